/** XEP-0060 §8.8, §8.9: owners decide who has what to do with a node. */
import { StanzaError } from '../../server/stanza-error.ts'
import { message } from '../../server/xml/build.ts'
import { type Element, xml } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'
import { type Affiliation, isAffiliation } from './access.ts'
import { tellSubscription } from './events.ts'
import type { Node, Subscription } from './node.ts'
import { reviewSubscribers } from './nodes.ts'
import { checkId, type Service } from './service.ts'
import { usualOptions } from './subscription-options.ts'

/** Reads the changes in an `<affiliations/>` and makes them, all or none. Throws StanzaError. */
export async function setAffiliations(service: Service, node: Node, list: Element): Promise<void> {
  const changes = new Map<string, Affiliation>()
  for (const { attrs } of entriesOf(list, 'affiliation')) {
    const { affiliation } = attrs
    // Where none is given, the one there is stays (§8.9.2.1).
    if (affiliation === undefined) continue
    const { bare } = addressIn(service, attrs['jid'])
    if (!isAffiliation(affiliation)) throw new StanzaError('not-acceptable', `There is no affiliation ${affiliation}`)
    if (changes.has(bare)) throw new StanzaError('bad-request', 'One change for each address')
    changes.set(bare, affiliation)
  }
  checkAffiliations(service, node, changes)
  const before = new Map(node.affiliations)
  for (const [bare, affiliation] of changes) {
    if (affiliation === 'none') node.affiliations.delete(bare)
    else node.affiliations.set(bare, affiliation)
  }
  await service.save(node)
  for (const [bare, affiliation] of changes) {
    if (affiliation !== (before.get(bare) ?? 'none')) tellAffiliation(service, node, bare, affiliation)
  }
  await reviewSubscribers(service, node)
}

/** Reads the changes in a `<subscriptions/>` and makes them, all or none. Throws StanzaError. */
export async function setSubscriptions(service: Service, node: Node, list: Element): Promise<void> {
  const changes = new Map<string, Subscription | undefined>()
  for (const { attrs } of entriesOf(list, 'subscription')) {
    const { subscription: state } = attrs
    if (state === undefined) continue
    const address = addressIn(service, attrs['jid']).full
    if (!isSettable(state)) throw new StanzaError('not-acceptable', `A subscription cannot be made ${state}`)
    const { options = usualOptions } = node.subscriptions.get(address) ?? {}
    changes.set(address, state === 'none' ? undefined : { state, options })
  }
  if (node.subscriptions.size + changes.size > service.rules.limits.subscriptions) {
    throw new StanzaError('resource-constraint')
  }
  service.checkLinks(changes.size)
  const changed = [...changes].filter(([address, next]) => node.subscriptions.get(address)?.state !== next?.state)
  await service.setSubscriptions(node, changed)
  for (const [address, next] of changed) tellSubscription(service, node, address, next?.state ?? 'none')
}

/** There is always an owner (§8.9.2.4), and an account is always the owner of its nodes. */
function checkAffiliations(service: Service, node: Node, changes: ReadonlyMap<string, Affiliation>): void {
  const { rules } = service
  const deposed = [...changes].filter(([, affiliation]) => affiliation !== 'owner').map(([bare]) => bare)
  if (deposed.some((bare) => rules.isOwner(rules.parseJid(bare)) && node.owners.includes(bare))) {
    throw new StanzaError('not-acceptable', 'That owner stays')
  }
  const stays = node.owners.some((bare) => !deposed.includes(bare))
  const comes = [...changes.values()].includes('owner')
  if (!stays && !comes) throw new StanzaError('not-acceptable', 'A node has an owner')
  service.checkLinks(changes.size)
}

/** §8.9.4. */
function tellAffiliation({ rules }: Service, node: Node, bare: string, affiliation: Affiliation): void {
  const list = xml('affiliations', { node: node.id }, xml('affiliation', { jid: bare, affiliation }))
  const stanza = message(
    { from: rules.jid.full, id: rules.random.id(), type: 'headline' },
    xml('pubsub', { xmlns: NS.pubsub }, list),
  )
  rules.send(rules.parseJid(bare), stanza)
}

function entriesOf(list: Element, name: string): readonly Element[] {
  return list.elements.filter((entry) => entry.name === name && entry.ns === list.ns)
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
