/** XEP-0045 §8, §9: requests in muc#admin, which read and change roles and affiliations. */
import { type Jid, JidError } from '../../server/jid/jid.ts'
import type { StanzaEvent } from '../../server/routed-stanza.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import { inSlices } from '../../server/util/slices.ts'
import { type Element, xml } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'
import { type AffiliationChange, changeAffiliations } from './affiliation-changes.ts'
import type { Actor } from './announcements.ts'
import { isMembersOnly } from './features/kinds.ts'
import { mayReadMembers } from './features/lists.ts'
import { isNonAnonymous } from './features/whois.ts'
import { isReserved, parseNick } from './nicknames.ts'
import type { Occupant } from './occupant.ts'
import { personOf } from './people.ts'
import {
  type Affiliation,
  affiliationRefusals,
  isAtLeast,
  mayReadList,
  parseAffiliation,
  parseRole,
  type Role,
  roleRefusals,
} from './privileges.ts'
import { refuseIfAny } from './refusals.ts'
import { grantRole, type RoleChange } from './roles.ts'
import type { Room } from './room.ts'

/** The list of those with a role or an affiliation. Rejects with a StanzaError. */
export async function readList(room: Room, { from }: StanzaEvent, query: Element): Promise<Element> {
  const [item, another] = itemsOf(query)
  if (item === undefined || another !== undefined) throw new StanzaError('bad-request', 'One list at a time')
  const wanted = readItem(item)
  const items = await (wanted.kind === 'role'
    ? roleList(room, from, wanted.role)
    : affiliationList(room, from, wanted.affiliation))
  return xml('query', { xmlns: NS.mucAdmin }, ...items)
}

/** Makes all of the changes that are asked for, or none and throws a StanzaError. */
export async function changeList(room: Room, { from }: Pick<StanzaEvent, 'from'>, query: Element): Promise<void> {
  const items = itemsOf(query).map(readItem)
  if (items.length === 0) throw new StanzaError('bad-request', 'There is nothing to change')
  const actor: Actor = { jid: from, nick: room.sessions.get(from.full)?.occupant.nick }
  const affiliationChanges = await Promise.all(
    items.filter((item) => item.kind === 'affiliation').map((item) => affiliationChange(room, item)),
  )
  const roleChanges = items.filter((item) => item.kind === 'role').map((item) => roleChange(room, item))
  requireDistinct(affiliationChanges.map(({ jid }) => jid.bare))
  requireDistinct(roleChanges.map(({ occupant }) => occupant.nick))
  for (const change of affiliationChanges) checkAffiliation(room, from, change)
  for (const change of roleChanges) checkRole(room, from, change)

  if (affiliationChanges.length > 0) await changeAffiliations(room, affiliationChanges, { actor, tells: true })
  for (const change of roleChanges) {
    // Not to somebody whom a change of affiliations has removed.
    if (room.occupants.get(change.occupant.nick) === change.occupant)
      await grantRole(room, change, actor, change.reason)
  }
}

interface ExplainedRoleChange extends RoleChange {
  readonly reason: string | undefined
}

type Item = RoleItem | AffiliationItem

interface RoleItem {
  readonly kind: 'role'
  readonly role: Role
  readonly nick: string | undefined
  readonly reason: string | undefined
}

interface AffiliationItem {
  readonly kind: 'affiliation'
  readonly affiliation: Affiliation
  readonly jid: string | undefined
  readonly nick: string | undefined
  readonly occupantId: string | undefined
  readonly reason: string | undefined
}

function itemsOf(query: Element): readonly Element[] {
  return query.elements.filter(({ name, ns }) => name === 'item' && ns === NS.mucAdmin)
}

/** Either a role or an affiliation, never both (§17.4). */
function readItem(item: Element): Item {
  const { affiliation: given, role: meant, jid, nick } = item.attrs
  const reason = item.child('reason')?.getText() || undefined
  if ((given === undefined) === (meant === undefined)) {
    throw new StanzaError('bad-request', 'An item is about a role or an affiliation')
  }
  const affiliation = parseAffiliation(given)
  const occupantId = item.child('occupant-id', NS.occupantId)?.attrs['id']
  if (affiliation !== undefined) return { kind: 'affiliation', affiliation, jid, nick, occupantId, reason }
  const role = parseRole(meant)
  if (role !== undefined) return { kind: 'role', role, nick, reason }
  throw new StanzaError('bad-request', 'There is no such role or affiliation')
}

async function roleList(room: Room, from: Jid, role: Role): Promise<readonly Element[]> {
  if (role === 'none') throw new StanzaError('bad-request', 'Nobody in the room is without a role')
  const isModerator = room.sessions.get(from.full)?.occupant.role === 'moderator'
  if (!isModerator && !isAtLeast(room.affiliates.of(from), 'admin')) throw new StanzaError('forbidden')
  const items: Element[] = []
  await inSlices(room.sessions.values(), ({ occupant, jid }) => {
    if (occupant.role !== role) return
    const affiliation = room.affiliationOf(occupant)
    items.push(xml('item', { nick: occupant.nick, role, affiliation, jid: jid.full }))
  })
  return items
}

async function affiliationList(room: Room, from: Jid, list: Affiliation): Promise<readonly Element[]> {
  if (list === 'none') throw new StanzaError('bad-request', 'There is no list of everybody else')
  const actor = room.affiliates.of(from)
  const role = room.sessions.get(from.full)?.occupant.role
  const act = { actor, list, isNonAnonymous: isNonAnonymous(room), isMembersOnly: room.get(isMembersOnly) }
  const isGiven = list === 'member' && mayReadMembers(room, role)
  if (!isGiven && !mayReadList(act)) throw new StanzaError('forbidden', 'You may not read this list')
  const items: Element[] = []
  await inSlices(room.affiliates.having(list), ([jid, { affiliation, nick, reason }]) => {
    items.push(xml('item', { jid, affiliation, nick }, reason !== undefined && xml('reason', {}, reason)))
  })
  return items
}

async function affiliationChange(room: Room, item: AffiliationItem): Promise<AffiliationChange> {
  const { affiliation, jid: text, nick, occupantId, reason } = item
  // Those who do not see addresses can name people who have left (XEP-0421).
  if (text === undefined && nick === undefined && occupantId !== undefined) {
    const person = await personOf(room, occupantId)
    if (person === undefined) throw new StanzaError('item-not-found', 'Nobody is known by that occupant id')
    return { jid: person, affiliation, nick: room.affiliates.get(person.bare)?.nick, reason }
  }
  // Old clients name an occupant where they should name an address.
  const jid = text === undefined ? occupantOf(room, nick).bare : parseAddress(room, text).toBare()
  if (text === undefined || nick === undefined)
    return { jid, affiliation, nick: room.affiliates.get(jid.bare)?.nick, reason }
  // An empty nickname takes away the one there was (§9.5).
  return { jid, affiliation, nick: nick === '' ? undefined : parseNick(room, nick, 'jid-malformed'), reason }
}

function roleChange(room: Room, { nick, role, reason }: RoleItem): ExplainedRoleChange {
  return { occupant: occupantOf(room, nick), role, reason }
}

function occupantOf(room: Room, nick: string | undefined): Occupant {
  if (nick === undefined) throw new StanzaError('bad-request', 'An item must say whom it is about')
  const occupant = room.occupants.get(nick) ?? room.occupants.get(parseNick(room, nick, 'jid-malformed'))
  if (occupant === undefined) throw new StanzaError('item-not-found', `Nobody here is called ${nick}`)
  return occupant
}

function parseAddress(room: Room, text: string): Jid {
  try {
    return room.service.host.parseJid(text)
  } catch (error) {
    if (!(error instanceof JidError)) throw error
    throw new StanzaError('jid-malformed', `${text} is no address`, { cause: error })
  }
}

function requireDistinct(names: readonly string[]): void {
  if (new Set(names).size < names.length) throw new StanzaError('bad-request', 'Two items are about the same person')
}

function checkAffiliation(room: Room, from: Jid, { jid, affiliation: to, nick }: AffiliationChange): void {
  const act = {
    actor: room.affiliates.of(from),
    from: room.affiliates.of(jid),
    to,
    isSelf: jid.bare === from.bare,
    isDomain: jid.node === undefined,
  }
  refuseIfAny(affiliationRefusals, act)
  if (nick !== undefined && isAtLeast(to, 'member') && isReserved(room, nick, jid)) {
    throw new StanzaError('conflict', `The nickname ${nick} is reserved for somebody else`)
  }
}

function checkRole(room: Room, from: Jid, { occupant, role }: RoleChange): void {
  const acting = room.sessions.get(from.full)?.occupant
  const act = {
    actorRole: acting?.role ?? 'none',
    actor: room.affiliates.of(from),
    target: room.affiliationOf(occupant),
    from: occupant.role,
    to: role,
    isSelf: acting === occupant,
  }
  refuseIfAny(roleRefusals, act)
}
