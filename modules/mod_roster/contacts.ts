/** RFC 6121 §2: reading and changing the list of contacts. */
import type { IqRequest, ModuleHost } from '../../server/host/host.ts'
import { JidError, type Jid } from '../../server/jid/jid.ts'
import type { ClientSession } from '../../server/session/client-session.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import type { Maybe } from '../../server/util/maybe.ts'
import { iq, presence } from '../../server/xml/build.ts'
import { type Element, xml } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'
import { itemElement, newItem, type Roster } from './roster.ts'

/** Bytes of a name or group (RFC 6121 §2.1.2.3, §2.1.2.5 leave the number to us). */
const LONGEST_NAME = 1023
const MOST_GROUPS = 50

/** Answers roster gets and sets; gives what tells the account's clients of a change. */
export function setupContacts(
  host: ModuleHost<'accounts'>,
  rosters: { of(node: string): Maybe<Roster> },
  maxContacts: number,
): (roster: Roster, contact: Jid) => void {
  /** Clients that have asked for the roster want to hear of changes (RFC 6121 §2.2). */
  const interested = host.slot('interested', () => ({ yes: false }))

  host.streamFeature({
    needs: ['authenticated'],
    forbids: ['bound'],
    offer: () => xml('ver', { xmlns: NS.rosterVersions }),
  })

  host.iq({ type: 'get', ns: NS.roster, name: 'query', at: 'self' }, async ({ payload, from, origin }) => {
    const roster = await rosters.of(from.node ?? '')
    interested(origin).yes = true
    if (payload.attrs['ver'] === roster.version) return undefined
    return xml(
      'query',
      { xmlns: NS.roster, ver: roster.version },
      ...[...roster.items].map(([bare, item]) => itemElement(bare, item)),
    )
  })

  host.iq({ type: 'set', ns: NS.roster, name: 'query', at: 'self' }, async (request) => {
    const roster = await rosters.of(request.from.node ?? '')
    const { contact, item } = readItem(host, request)
    const changed =
      item.attrs['subscription'] === 'remove' ? remove(roster, contact, request) : update(roster, contact, item)
    await changed
    request.afterAnswer(() => push(roster, contact))
  })

  // Nobody reads or writes another's roster (RFC 6121 §2.1.4, §2.3.3).
  const refuse = (): never => {
    throw new StanzaError('forbidden')
  }
  host.iq({ type: 'get', ns: NS.roster, name: 'query', at: 'account' }, refuse)
  host.iq({ type: 'set', ns: NS.roster, name: 'query', at: 'account' }, refuse)

  return push

  function update(roster: Roster, contact: Jid, element: Element): Promise<void> {
    const known = roster.items.get(contact.bare)
    if (known === undefined && roster.size >= maxContacts) throw new StanzaError('resource-constraint')
    const { name } = element.attrs
    if (name !== undefined && Buffer.byteLength(name) > LONGEST_NAME) {
      throw new StanzaError('not-acceptable', 'The name is too long')
    }
    // Subscriptions change by presence only (RFC 6121 §2.1.2.4).
    return roster.set(contact, { ...(known ?? newItem), name, groups: readGroups(element) })
  }

  /** Ends the subscriptions in both directions as well (RFC 6121 §2.5.2). */
  async function remove(roster: Roster, contact: Jid, { from }: IqRequest): Promise<void> {
    if (!roster.items.has(contact.bare)) throw new StanzaError('item-not-found')
    const state = roster.stateOf(contact)
    const account = from.toBare()
    const tell = (type: string): Maybe<void> =>
      host.sendTo(contact, presence({ type, from: account.full, to: contact.full }), account)
    const stored = roster.set(contact, undefined)
    const answered = state.asked ? roster.setRequest(contact, undefined) : undefined
    if (state.from) host.announce('roster/subscriber-removed', { account, contact })
    if (state.to || state.ask) await tell('unsubscribe')
    if (state.from || state.asked) await tell('unsubscribed')
    host.announce('roster/contact-removed', { account, contact })
    await Promise.all([stored, answered])
  }

  function push(roster: Roster, contact: Jid): void {
    const account = host.account(`${roster.owner}@${host.domain}`)
    if (account === undefined) return
    const item = roster.items.get(contact.bare)
    const element =
      item === undefined ? xml('item', { jid: contact.bare, subscription: 'remove' }) : itemElement(contact.bare, item)
    const query = xml('query', { xmlns: NS.roster, ver: roster.version }, element)
    for (const session of account.sessions) {
      if (interested(session).yes) session.send(iq({ type: 'set', to: session.jid.full, id: host.random.id() }, query))
    }
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
