/** How much somebody may send to a room (XEP-0045 §14.6). */
import { LRUCache } from 'lru-cache'
import type { Jid } from '../../server/jid/jid.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import { type Rate, TokenBucket } from '../../server/util/token-bucket.ts'
import type { OccupantSession } from './occupant.ts'
import type { Room } from './room.ts'

/** What people may do at the door of one room: come in, invite others, ask for membership. */
const AT_THE_DOOR: Rate = { perSecond: 1, burst: 20 }
const MOST_AT_DOORS = 20_000

/** Counts those who come and go: to everybody inside, that is as much as if they spoke. */
export class Doors {
  readonly #buckets = new LRUCache<string, TokenBucket>({ max: MOST_AT_DOORS })

  /** Throws a StanzaError if somebody knocks too often. */
  check(room: Room, { bare }: Jid): void {
    const now = room.service.host.clock.now()
    const key = `${room.node}/${bare}`
    const bucket = this.#buckets.get(key) ?? new TokenBucket(AT_THE_DOOR, now)
    this.#buckets.set(key, bucket)
    if (!bucket.tryTake(1, now)) throw tooMuch()
  }
}

/** Counts something that a client in the room sends to it. Throws a StanzaError if it is too much. */
export function checkRate(room: Room, session: OccupantSession): void {
  if (!session.rate.tryTake(1, room.service.host.clock.now())) throw tooMuch()
}

function tooMuch(): StanzaError {
  return new StanzaError('policy-violation', 'You are sending too much at once', { type: 'wait' })
}
