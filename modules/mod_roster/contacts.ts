/** RFC 6121 §2: reading and changing the list of contacts. */
import type { IqRequest, ModuleHost } from '../../server/host/host.ts'
import { JidError, type Jid } from '../../server/jid/jid.ts'
import type { ClientSession } from '../../server/session/client-session.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import { iq, presence } from '../../server/xml/build.ts'
import { type Element, xml } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'
import { written } from '../../server/xml/raw-element.ts'
import type { Stanza } from '../../server/xml/stanza.ts'
import type { Rosters } from './index.ts'
import { itemElement, newItem, type PushProgress, type Roster } from './roster.ts'
import { partingTypes, type SubscriptionType } from './subscription.ts'

const VERSIONS_FEATURE = written(xml('ver', { xmlns: NS.rosterVersions }))

/** Bytes of a name or group (RFC 6121 §2.1.2.3, §2.1.2.5 leave the number to us). */
const LONGEST_NAME = 1023
const MOST_GROUPS = 50

/** Why a contact cannot be got rid of. */
export const SHARED = 'A group that both of you belong to makes you contacts'

/** Answers roster gets and sets; gives what reaches the clients that care. */
export function setupContacts(
  host: ModuleHost<'accounts'>,
  rosters: Pick<Rosters, 'of'>,
  maxContacts: number,
): Pick<Rosters, 'push' | 'sendToInterested'> {
  /** Clients that have asked for the roster want to hear of changes (RFC 6121 §2.2). */
  const interested = host.lastingSlot('interested', () => ({ yes: false }))

  host.streamFeature({
    needs: ['authenticated'],
    forbids: ['bound'],
    offer: () => VERSIONS_FEATURE,
  })

  host.iq({ type: 'get', ns: NS.roster, name: 'query', at: 'self' }, async ({ payload, from, origin }) => {
    const roster = await rosters.of(from.node ?? '')
    interested(origin).yes = true
    if (roster.isCurrent(payload.attrs['ver'])) return undefined
    return xml(
      'query',
      { xmlns: NS.roster, ver: roster.version },
      ...[...roster.items].map(([bare, item]) => itemElement(bare, item)),
    )
  })

  host.iq({ type: 'set', ns: NS.roster, name: 'query', at: 'self' }, async (request) => {
    const roster = await rosters.of(request.from.node ?? '')
    const { contact, item } = readItem(host, request)
    const isLeaving = item.attrs['subscription'] === 'remove'
    await (isLeaving ? remove(roster, contact, request) : update(roster, contact, item, request))
    request.afterAnswer(() => push(roster, contact))
  })

  // Nobody reads or writes another's roster (RFC 6121 §2.1.4, §2.3.3).
  const refuse = (): never => {
    throw new StanzaError('forbidden')
  }
  host.iq({ type: 'get', ns: NS.roster, name: 'query', at: 'account' }, refuse)
  host.iq({ type: 'set', ns: NS.roster, name: 'query', at: 'account' }, refuse)

  return { push, sendToInterested }

  async function update(roster: Roster, contact: Jid, element: Element, { from }: IqRequest): Promise<void> {
    const known = roster.own(contact)
    if (known === undefined && roster.size >= maxContacts) throw new StanzaError('resource-constraint')
    const { name } = element.attrs
    if (name !== undefined && Buffer.byteLength(name) > LONGEST_NAME) {
      throw new StanzaError('not-acceptable', 'The name is too long')
    }
    // Subscriptions change by presence only (RFC 6121 §2.1.2.4).
    const shared = roster.sharedGroups(contact) ?? []
    const groups = readGroups(element).filter((group) => !shared.includes(group))
    const item = { ...(known ?? newItem), name, groups }
    await roster.set(contact, item, roster.requests.get(contact.bare))
    const { groups: before } = known ?? newItem
    if (before.length !== item.groups.length || item.groups.some((group) => !before.includes(group))) {
      host.announce('roster/regrouped', { account: from.toBare(), contact, before })
    }
  }

  /** Ends the subscriptions in both directions as well (RFC 6121 §2.5.2). */
  async function remove(roster: Roster, contact: Jid, { from }: IqRequest): Promise<void> {
    if (!roster.items.has(contact.bare)) {
      // RFC 6121 §2.5.3 has it of this type.
      throw new StanzaError('item-not-found', undefined, { type: 'modify' })
    }
    if (roster.sharedGroups(contact) !== undefined) throw new StanzaError('not-allowed', SHARED)
    const state = roster.stateOf(contact)
    const account = from.toBare()
    await roster.set(contact, undefined, undefined)
    // Whoever had to do with the account sees it go, also if that was only one-sided.
    if (Object.values(state).some(Boolean)) host.announce('roster/subscriber-removed', { account, contact })
    await tell(host, account, contact, partingTypes(state))
  }

  function push(roster: Roster, contact: Jid, progress: PushProgress = 'done'): void {
    const ver = progress === 'done' ? roster.version : `${roster.version}-${progress}`
    const item = roster.items.get(contact.bare)
    const element =
      item === undefined ? xml('item', { jid: contact.bare, subscription: 'remove' }) : itemElement(contact.bare, item)
    const query = xml('query', { xmlns: NS.roster, ver }, element)
    sendToInterested(roster, ({ jid }) => iq({ type: 'set', to: jid.full, id: host.random.id() }, query))
  }

  function sendToInterested({ owner }: Roster, stanzaFor: (session: ClientSession) => Stanza): void {
    for (const session of host.account(`${owner}@${host.domain}`)?.sessions ?? []) {
      if (interested(session).yes) session.send(stanzaFor(session))
    }
  }
}

/** Says to a contact, in the name of an account, how they stand now. */
export async function tell(
  host: ModuleHost,
  account: Jid,
  contact: Jid,
  types: readonly SubscriptionType[],
): Promise<void> {
  for (const type of types) {
    await host.sendTo(contact, presence({ type, from: account.full, to: contact.full }), account)
  }
}

/** The one item of a roster set, and whom it is about (RFC 6121 §2.1.5, §2.3.3). */
function readItem(host: ModuleHost, { payload, from }: IqRequest<ClientSession>): { contact: Jid; item: Element } {
  const [item, other] = payload.elements
  const address = item?.attrs['jid']
  if (item === undefined || other !== undefined || item.name !== 'item' || address === undefined) {
    throw new StanzaError('bad-request', 'A roster set has exactly one item with a JID')
  }
  let contact: Jid
  try {
    contact = host.parseJid(address).toBare()
  } catch (error) {
    if (error instanceof JidError) throw new StanzaError('jid-malformed', undefined, { cause: error })
    throw error
  }
  if (contact.bare === from.bare) throw new StanzaError('not-allowed', 'Nobody is a contact of their own')
  return { contact, item }
}

function readGroups(item: Element): readonly string[] {
  const groups = item.elements
    .filter(({ name, ns }) => name === 'group' && ns === NS.roster)
    .map((group) => group.getText())
  if (groups.length > MOST_GROUPS || groups.some((group) => group === '' || Buffer.byteLength(group) > LONGEST_NAME)) {
    throw new StanzaError('not-acceptable', 'Too many groups, or a group with an empty or long name')
  }
  if (new Set(groups).size < groups.length) throw new StanzaError('bad-request', 'A group is named twice')
  return groups
}
