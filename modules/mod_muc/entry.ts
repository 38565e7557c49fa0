/** XEP-0045 §7.1, §7.2: entering a room. */
import type { Jid } from '../../server/jid/jid.ts'
import type { StanzaEvent } from '../../server/routed-stanza.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import { NS } from '../../server/xml/ns.ts'
import type { Stanza } from '../../server/xml/stanza.ts'
import { sendAbsentees } from './absentees.ts'
import { appear, type News, NO_NEWS, showOthers, showSelf } from './announcements.ts'
import { withoutClaims } from './claims.ts'
import type { Entry } from './events.ts'
import { sendAffiliations, versionName, versionWish } from './features/affiliation-versions.ts'
import { readHistoryRequest, usualHistory } from './features/history.ts'
import { capacityOf } from './features/max-users.ts'
import { isPassword, passwordOf } from './features/password.ts'
import { showsAbsentees } from './features/presence-broadcast.ts'
import { subjectMessage } from './features/subject.ts'
import { isNonAnonymous } from './features/whois.ts'
import { checkNick, enforcedNick, isTaken } from './nicknames.ts'
import type { OccupantSession } from './occupant.ts'
import { isAtLeast } from './privileges.ts'
import { type Refusal, refuseIfAny } from './refusals.ts'
import type { Room } from './room.ts'

/** Why somebody may not enter, in the order in which it is looked at (§7.2.17). */
const entryRefusals: readonly Refusal<Entry>[] = [
  {
    condition: 'forbidden', // §7.2.7
    text: 'You are banned from this room',
    applies: ({ affiliation }) => affiliation === 'outcast',
  },
  {
    condition: 'item-not-found', // §7.2.10
    text: 'This room is not open yet',
    applies: ({ room, affiliation }) => room.isLocked && affiliation !== 'owner',
  },
  {
    condition: 'registration-required', // §7.2.6
    text: 'Only members may enter this room',
    applies: ({ room, affiliation }) => room.roleFor(affiliation) === undefined,
  },
  {
    condition: 'not-authorized', // §7.2.5
    text: 'The password is missing or wrong',
    applies: (entry) => entry.affiliation !== 'owner' && !knowsPassword(entry),
  },
  {
    condition: 'conflict', // §7.2.8
    text: 'This nickname is taken',
    applies: ({ room, nick, from }) => isTaken(room, nick, from),
  },
  {
    condition: 'service-unavailable', // §7.2.9
    type: 'wait',
    text: 'The room is full',
    applies: ({ room, nick, affiliation }) =>
      !room.occupants.has(nick) &&
      room.occupants.size >= capacityOf(room, isAtLeast(affiliation, 'admin') ? 'admins' : 'anyone'),
  },
  {
    condition: 'resource-constraint',
    text: 'You are in too many rooms',
    applies: ({ room, from: { bare } }) =>
      !room.isPresent(bare) && room.service.visits.of(bare) >= room.service.config.max_rooms_per_user,
  },
  {
    condition: 'resource-constraint',
    text: 'You are here with too many clients',
    applies: ({ room, from }) => clientsOf(room, from) >= room.service.config.max_clients_per_room,
  },
]

/** Lets somebody in, or throws a StanzaError; `warnings` are status codes for whoever enters. */
export async function enter(
  room: Room,
  { stanza, from }: StanzaEvent,
  nick: string,
  warnings: readonly number[],
): Promise<void> {
  room.service.doors.check(room, from)
  checkNick(room, nick)
  const affiliation = room.affiliates.of(from)
  const entry: Entry = {
    room,
    from,
    affiliation,
    stanza,
    nick: enforcedNick(room, from) ?? nick,
    warnings: [...warnings],
  }
  refuseIfAny(entryRefusals, entry)
  const role = room.service.host.fire('muc/entering', entry) ?? room.roleFor(affiliation)
  if (role === undefined) throw new StanzaError('registration-required')
  if (entry.nick !== nick) entry.warnings.push(210)

  const occupant = room.occupants.get(entry.nick) ?? room.makeOccupant(entry.nick, from.toBare(), role)
  const session = room.seat(from, occupant, shownPresence(room, stanza))
  await welcome(room, session, stanza, entry.warnings)
  room.service.host.announce('muc/joined', { room, session })
}

/** Tells a client everything anew that is in the room already, but has forgotten (§7.2.1, §17.3). */
export async function welcomeBack(room: Room, session: OccupantSession, stanza: Stanza): Promise<void> {
  room.service.doors.check(room, session.jid)
  session.occupant.update(session, shownPresence(room, stanza))
  await welcome(room, session, stanza, [])
}

/** What others may be shown of somebody's presence: a value to be kept. */
export function shownPresence(room: Room, stanza: Stanza): Stanza {
  return withoutClaims(stanza, room.jid.full).keep()
}

/** The order is what clients rely on: others, itself, what was said, the subject (§7.1). */
async function welcome(
  room: Room,
  session: OccupantSession,
  stanza: Stanza,
  warnings: readonly number[],
): Promise<void> {
  const wish = versionWish(stanza)
  session.tracksAffiliations = wish !== undefined && (await sendAffiliations(room, session, wish.since))
  await showOthers(room, session)
  if (showsAbsentees(room)) await sendAbsentees(room, session)
  await appear(room, session.occupant, NO_NEWS, session)
  const news: News = { id: stanza.id, versions: { until: versionName(room) } }
  showSelf(room, session, news, [...(isNonAnonymous(room) ? [100] : []), ...warnings])
  sendHistory(room, session.jid, stanza)
  room.forward(session.jid, subjectMessage(room))
}

function sendHistory(room: Room, to: Jid, stanza: Stanza): void {
  const { host } = room.service
  const asked = readHistoryRequest(stanza.child('x', NS.muc), host.clock.now())
  const hasLimits = Object.values(asked).some((limit) => limit !== undefined)
  const request = hasLimits ? asked : { ...asked, maxStanzas: room.get(usualHistory) }
  for (const message of room.history.select(request)) room.forward(to, message)
}

function clientsOf(room: Room, { bare }: Jid): number {
  return room.occupantsOf(bare).reduce((sum, { sessions }) => sum + sessions.size, 0)
}

function knowsPassword({ room, stanza }: Entry): boolean {
  const password = passwordOf(room)
  return password === undefined || isPassword(stanza.child('x', NS.muc)?.child('password')?.getText(), password)
}
