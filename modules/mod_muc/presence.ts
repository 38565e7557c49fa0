/** XEP-0045 §7, §17.3: presence that is sent to a room. */
import type { StanzaEvent } from '../../server/routed-stanza.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import type { Maybe } from '../../server/util/maybe.ts'
import { NS } from '../../server/xml/ns.ts'
import { absentPresence } from './absentees.ts'
import { appear, appearTo, NO_NEWS, showSelf, vanish, vanishTo } from './announcements.ts'
import { after } from '../../server/util/slices.ts'
import { withoutClaims } from './claims.ts'
import { enter, shownPresence, welcomeBack } from './entry.ts'
import { dropIfUnreachable } from './ghosts.ts'
import { visitorNicks } from './features/visitors.ts'
import { seesJids } from './features/whois.ts'
import { checkNick, enforcedNick, isTaken } from './nicknames.ts'
import type { OccupantSession } from './occupant.ts'
import { checkRate } from './rates.ts'
import { notInside } from './refusals.ts'
import { leave } from './removal.ts'
import type { Room } from './room.ts'

/** Takes presence that was sent to the room or to an occupant. Throws a StanzaError to refuse it. */
export function takePresence(room: Room, event: StanzaEvent): Maybe<void> {
  const session = room.sessions.get(event.from.full)
  if (event.stanza.type === undefined && session !== undefined) checkRate(room, session)
  switch (event.stanza.type) {
    case undefined:
      return takeAvailable(room, session, event)
    case 'unavailable':
      // From somebody who is not there it means nothing (§17.3).
      return session && leave(room, session, { id: event.stanza.id }, withoutClaims(event.stanza, room.jid.full))
    case 'error':
      return dropIfUnreachable(room, event)
    case 'probe':
      return answerProbe(room, session, event.to.resource)
    default:
      throw new StanzaError('bad-request', 'A room takes no such presence')
  }
}

function takeAvailable(room: Room, session: OccupantSession | undefined, event: StanzaEvent): Maybe<void> {
  const { stanza, to } = event
  const isEntry = stanza.has('x', NS.muc)
  if (session === undefined) {
    if (to.resource === undefined) throw new StanzaError('jid-malformed', 'Under which nickname?')
    // One does not come in without saying so (§7.2.18).
    if (!isEntry) throw new StanzaError('item-not-found', 'You are not currently connected to this chat')
    return enter(room, event, to.resource, [])
  }
  const nick = to.resource ?? session.occupant.nick
  if (nick === session.occupant.nick)
    return isEntry ? welcomeBack(room, session, stanza) : changeAvailability(room, session, event)
  return after(changeNick(room, session, event, nick), () => (isEntry ? welcomeBack(room, session, stanza) : undefined))
}

/** §7.7. */
function changeAvailability(room: Room, session: OccupantSession, { stanza }: StanzaEvent): Maybe<void> {
  session.occupant.update(session, shownPresence(room, stanza))
  return after(appear(room, session.occupant, NO_NEWS, session), () => showSelf(room, session, { id: stanza.id }))
}

/** §7.6. Other clients under the old nickname keep it; one under the new nickname is joined. */
async function changeNick(
  room: Room,
  session: OccupantSession,
  { stanza, from }: StanzaEvent,
  nick: string,
): Promise<void> {
  checkNick(room, nick)
  if (session.occupant.role === 'visitor' && !room.get(visitorNicks))
    throw new StanzaError('not-allowed', 'Visitors keep their nicknames here')
  const enforced = enforcedNick(room, from)
  if (enforced !== undefined && enforced !== nick)
    throw new StanzaError('not-acceptable', `Your nickname here is ${enforced}`, { type: 'cancel' })
  if (isTaken(room, nick, from)) throw new StanzaError('conflict', 'This nickname is taken')

  const former = session.occupant
  const next = room.occupants.get(nick) ?? room.makeOccupant(nick, former.bare, former.role)
  const news = { statuses: [303], nick }
  const isLast = former.sessions.size === 1
  if (isLast) await vanish(room, former, news)
  else vanishTo(room, session, news)
  room.move(session, next)
  next.update(session, shownPresence(room, stanza))
  if (!isLast) await appear(room, former)
  await appear(room, next, NO_NEWS, session)
  showSelf(room, session, { id: stanza.id })
}

/** §17.3: how somebody is seen, for an occupant who is not sure. */
function answerProbe(room: Room, session: OccupantSession | undefined, nick: string | undefined): void {
  if (session === undefined) throw notInside()
  const occupant = nick === undefined ? session.occupant : room.occupants.get(nick)
  if (occupant === session.occupant) return showSelf(room, session, NO_NEWS)
  if (occupant !== undefined) return appearTo(room, occupant, session)
  const holder = room.affiliates.holderOf(nick ?? '')
  const affiliate = holder === undefined ? undefined : room.affiliates.get(holder)
  if (holder === undefined || affiliate === undefined)
    throw new StanzaError('item-not-found', 'Nobody here is called so')
  const absent = absentPresence(room, holder, affiliate, seesJids(room, session.occupant))
  if (absent !== undefined) room.send(session.jid, absent.for(session.jid.full), room.jid.withResource(affiliate.nick))
}
