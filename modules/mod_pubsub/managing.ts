/** XEP-0060 §8.8, §8.9: owners decide who has what to do with a node. */
import { StanzaError } from '../../server/stanza-error.ts'
import { message } from '../../server/xml/build.ts'
import { type Element, xml } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'
import { isAffiliation } from './access.ts'
import { tellSubscriptions } from './events.ts'
import type { Node, Subscription } from './node.ts'
import { reviewSubscribers } from './nodes.ts'
import { ownerElement } from './request.ts'
import { checkId, type Service } from './service.ts'
import { usualOptions } from './subscription-options.ts'

/** Changes that an owner can make at once. */
const MOST_AT_ONCE = 1000

/**
 * Reads the changes in an `<affiliations/>` and makes them. Throws StanzaError; where that names some of the changes,
 * the others have been made (§8.9.2.4).
 */
export async function setAffiliations(service: Service, node: Node, list: Element): Promise<void> {
  const changes = affiliationsIn(service, list)
  service.checkLinks(changes.size)
  const refused = refusedAffiliations(service, node, changes)
  for (const bare of refused) changes.delete(bare)
  const before = new Map(node.affiliations)
  // DEPARTS XEP-0060 §4.1: owners make of anybody whatever they like at once, since clients offer it as one choice.
  for (const [bare, affiliation] of changes) {
    if (affiliation === 'none') node.affiliations.delete(bare)
    else if (isAffiliation(affiliation)) node.affiliations.set(bare, affiliation)
  }
  await service.save(node)
  for (const [bare, affiliation] of changes) {
    if (affiliation !== (before.get(bare) ?? 'none')) tellAffiliation(service, node, bare, affiliation)
  }
  await reviewSubscribers(service, node)
  const lines = refused.map((jid) => xml('affiliation', { jid, affiliation: node.affiliations.get(jid) ?? 'none' }))
  requireAll(xml('affiliations', { node: node.id }, ...lines))
}

/** Reads the changes in a `<subscriptions/>` and makes them. Throws StanzaError, as above. */
export async function setSubscriptions(service: Service, node: Node, list: Element): Promise<void> {
  const wanted = subscriptionsIn(service, list)
  if (node.subscriptions.size + wanted.size > service.rules.limits.subscriptions) {
    throw new StanzaError('resource-constraint')
  }
  service.checkLinks(wanted.size)
  const changes = new Map<string, Subscription | undefined>()
  const refused: string[] = []
  for (const [address, state] of wanted) {
    const before = node.subscriptions.get(address)
    if (!isSettable(state)) refused.push(address)
    else if (state !== (before?.state ?? 'none')) {
      changes.set(address, state === 'none' ? undefined : { ...(before ?? { options: usualOptions }), state })
    }
  }
  await service.setSubscriptions(node, changes)
  await tellSubscriptions(service, node, changes)
  const lines = refused.map((jid) =>
    xml('subscription', { jid, subscription: node.subscriptions.get(jid)?.state ?? 'none' }),
  )
  requireAll(xml('subscriptions', { node: node.id }, ...lines))
}

/** By bare JID; whether there is such an affiliation is not known yet. */
function affiliationsIn(service: Service, list: Element): Map<string, string> {
  const changes = new Map<string, string>()
  for (const { attrs } of entriesOf(list, 'affiliation')) {
    const { affiliation } = attrs
    // Where none is given, the one there is stays (§8.9.2.1).
    if (affiliation === undefined) continue
    const { bare } = addressIn(service, attrs['jid'])
    if (changes.has(bare)) throw new StanzaError('bad-request', 'One change for each address')
    changes.set(bare, affiliation)
  }
  return changes
}

function subscriptionsIn(service: Service, list: Element): Map<string, string> {
  const changes = new Map<string, string>()
  for (const { attrs } of entriesOf(list, 'subscription')) {
    const { subscription: state } = attrs
    if (state !== undefined) changes.set(addressIn(service, attrs['jid']).full, state)
  }
  return changes
}

/** There is always an owner (§8.9.2.4), and an account is always the owner of its nodes. */
function refusedAffiliations({ rules }: Service, node: Node, changes: ReadonlyMap<string, string>): readonly string[] {
  const unknown = [...changes].filter(([, affiliation]) => !isAffiliation(affiliation)).map(([bare]) => bare)
  const deposed = node.owners.filter((bare) => changes.has(bare) && changes.get(bare) !== 'owner')
  const isLeft = [...changes.values()].includes('owner') || node.owners.some((bare) => !deposed.includes(bare))
  const staying = isLeft ? deposed.filter((bare) => rules.isOwner(rules.parseJid(bare))) : deposed
  return [...new Set([...unknown, ...staying])]
}

/** Throws what was refused, as it still is, if anything was. */
function requireAll(refused: Element): void {
  if (refused.elements.length > 0)
    throw new StanzaError('not-acceptable', undefined, { payload: ownerElement(refused) })
}

/** §8.9.4. */
function tellAffiliation({ rules }: Service, node: Node, bare: string, affiliation: string): void {
  const list = xml('affiliations', { node: node.id }, xml('affiliation', { jid: bare, affiliation }))
  const stanza = message(
    { from: rules.jid.full, to: bare, id: rules.random.id(), type: 'headline' },
    xml('pubsub', { xmlns: NS.pubsub }, list),
  )
  rules.send(rules.parseJid(bare), stanza)
}

function entriesOf(list: Element, name: string): readonly Element[] {
  const entries = list.elements.filter((entry) => entry.name === name && entry.ns === list.ns)
  if (entries.length > MOST_AT_ONCE) throw new StanzaError('not-acceptable', 'Too many at once')
  return entries
}

function addressIn({ rules }: Service, text = '') {
  try {
    checkId(text)
    return rules.parseJid(text)
  } catch (cause) {
    throw new StanzaError('jid-malformed', undefined, { cause })
  }
}

function isSettable(state: string): state is Subscription['state'] | 'none' {
  return state === 'subscribed' || state === 'pending' || state === 'none'
}
