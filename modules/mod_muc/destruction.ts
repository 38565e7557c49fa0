/** XEP-0045 §10.9: the end of a room. */
import type { Jid } from '../../server/jid/jid.ts'
import { xml } from '../../server/xml/element.ts'
import { evacuate } from './removal.ts'
import type { Room } from './room.ts'
import type { Rooms } from './rooms.ts'
import type { Tombstone } from './service.ts'

export interface Destruction {
  /** Another room for those who were in this one. */
  readonly venue?: string | undefined
  readonly reason?: string | undefined
  /** Of that room. */
  readonly password?: string | undefined
}

/** Destroys the room, as `by` wants, or the service; then everybody in it is told once, and not of all the others. */
export async function destroyRoom(
  rooms: Rooms,
  room: Room,
  destruction: Destruction,
  by: Jid | undefined,
): Promise<void> {
  await rooms.destroy(room, tombstoneOf(room, destruction))
  const { venue, reason, password } = destruction
  room.service.host.announce('muc/administered', { room, by, act: { kind: 'destruction' }, reason })
  const destroy = xml(
    'destroy',
    { jid: venue },
    reason !== undefined && xml('reason', {}, reason),
    password !== undefined && xml('password', {}, password),
  )
  await evacuate(room, { extra: destroy })
}

function tombstoneOf(room: Room, { reason, venue }: Destruction): Tombstone | undefined {
  const { host, config } = room.service
  if (room.isTemporary || room.isLocked || config.tombstone_expiry === 0) return undefined
  const until =
    config.tombstone_expiry === Infinity ? Number.MAX_SAFE_INTEGER : host.clock.now() + config.tombstone_expiry * 1000
  return { until, reason, venue }
}
