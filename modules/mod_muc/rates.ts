/** How much a client may send to a room (XEP-0045 §14.6). */
import { StanzaError } from '../../server/stanza-error.ts'
import type { OccupantSession } from './occupant.ts'
import type { Room } from './room.ts'

/** Counts something that everybody in the room will be sent. Throws a StanzaError if it is too much. */
export function checkRate(room: Room, session: OccupantSession | undefined): void {
  if (session === undefined || session.rate.tryTake(1, room.service.host.clock.now())) return
  throw new StanzaError('policy-violation', 'You are sending too much at once', { type: 'wait' })
}
