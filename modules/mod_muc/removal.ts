/** XEP-0045 §7.14, §8.2, §9.1, §11: leaving a room, by one's own will or not. */
import type { Maybe } from '../../server/util/maybe.ts'
import type { Stanza } from '../../server/xml/stanza.ts'
import { xml } from '../../server/xml/element.ts'
import { presence } from '../../server/xml/build.ts'
import { appear, type News, vanish, vanishTo } from './announcements.ts'
import { inSlices } from '../../server/util/slices.ts'
import type { Occupant, OccupantSession } from './occupant.ts'
import type { Room } from './room.ts'

/** A client leaves; its occupant stays as long as another is there. `parting` is what it says. */
export async function leave(room: Room, session: OccupantSession, news: News, parting?: Stanza): Promise<void> {
  const { occupant } = session
  if (occupant.sessions.size > 1) {
    vanishTo(room, session, news, parting)
    room.unseat(session)
    await appear(room, occupant)
  } else {
    await vanish(room, occupant, news, parting)
    room.unseat(session)
  }
  room.service.host.announce('muc/left', { room, occupant, jid: session.jid })
}

/** An occupant has to leave, with all clients. */
export async function remove(room: Room, occupant: Occupant, news: News): Promise<void> {
  await vanish(room, occupant, news)
  for (const session of occupant.sessions.values()) {
    room.unseat(session)
    room.service.host.announce('muc/left', { room, occupant, jid: session.jid })
  }
}

/** A client cannot be reached any more (§11.1, §18.1.2). */
export function drop(room: Room, session: OccupantSession, reason: string): Promise<void> {
  const parting = presence({ type: 'unavailable' }, xml('status', {}, reason))
  return leave(room, session, { statuses: [307, 333] }, parting)
}

/** Everybody has to leave at once: each is told of itself alone, and not of all the others (§10.9, §11.2). */
export function evacuate(room: Room, news: News): Maybe<void> {
  return inSlices(room.sessions.values(), (session) => {
    vanishTo(room, session, news)
    room.unseat(session)
  })
}

/** The room is for members only from now on (§10.2). */
export async function expelOutsiders(room: Room): Promise<void> {
  for (const occupant of room.occupants.values()) {
    if (room.roleFor(room.affiliationOf(occupant)) === undefined) await remove(room, occupant, { statuses: [322] })
  }
}
