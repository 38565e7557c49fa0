/** XEP-0045 §5.1.3: what follows when the role of an occupant changes. */
import { type Actor, appear, conceal, type News, showOthers } from './announcements.ts'
import { isShown } from './features/presence-broadcast.ts'
import { seesJids } from './features/whois.ts'
import type { Occupant } from './occupant.ts'
import type { Role } from './privileges.ts'
import { remove } from './removal.ts'
import type { Room } from './room.ts'

export interface RoleChange {
  readonly occupant: Occupant
  readonly role: Role
}

/** Does what somebody has asked for who may, or an admin of the service, who is not named. */
export async function grantRole(
  room: Room,
  change: RoleChange,
  actor: Actor | undefined,
  reason: string | undefined,
): Promise<void> {
  const { occupant, role } = change
  const act = { kind: 'role', whom: occupant.bare, nick: occupant.nick, before: occupant.role, after: role } as const
  await changeRole(room, change, { actor, reason })
  if (act.before !== role) room.service.host.announce('muc/administered', { room, by: actor?.jid, act, reason })
}

/** Gives an occupant a role, or none, and tells everybody. Whether that is allowed has been checked. */
export async function changeRole(room: Room, { occupant, role }: RoleChange, news: News): Promise<void> {
  if (role === 'none') return remove(room, occupant, { ...news, statuses: [307] })
  const sawJids = seesJids(room, occupant)
  const wasShown = isShown(room, occupant.role)
  occupant.role = role
  occupant.refresh()
  // To the others it has gone, if its role is not shown to them (§7.2.2).
  if (wasShown && !isShown(room, role)) await conceal(room, occupant)
  await appear(room, occupant, news)
  if (seesJids(room, occupant) === sawJids) return
  // From now on it sees the others with their addresses, or without (§7.2.4).
  for (const session of occupant.sessions.values()) await showOthers(room, session)
}
