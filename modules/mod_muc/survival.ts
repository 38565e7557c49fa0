/** Occupants outlive the time that their room is out of memory: a planned restart, new code or options, or much silence. */
import type { Jid } from '../../server/jid/jid.ts'
import { Stanza } from '../../server/xml/stanza.ts'
import type { Occupant, OccupantSession } from './occupant.ts'
import type { Role } from './privileges.ts'
import { evacuate, leave } from './removal.ts'
import type { Room } from './room.ts'
import { inSlices } from '../../server/util/slices.ts'

/** Someone in a room, as they are stored. */
export interface StoredOccupant {
  readonly nick: string
  readonly role: Role
  /** The one that stands for the occupant last. */
  readonly sessions: readonly StoredSession[]
}

interface StoredSession {
  readonly jid: string
  readonly presence: string
  readonly tracksAffiliations: boolean
}

/** Stores who is in a room, in its turn. Rejects if that cannot be. */
export async function saveOccupants(room: Room): Promise<void> {
  await room.service.stores.occupants.set(room.node, [...room.occupants.values()].map(storedOccupant))
}

/** The same, for the last time: where it fails, everybody is told to come again (status 332). */
export async function partWith(room: Room): Promise<void> {
  if (room.isGone || room.sessions.size === 0) return
  try {
    // Nobody comes back to a room that was never configured.
    if (room.isLocked) await evacuate(room, { statuses: [332] })
    else await saveOccupants(room)
  } catch (error) {
    room.service.host.log.error('occupants could not be stored', { jid: room.jid.full, error })
    await evacuate(room, { statuses: [332] })
  }
}

/** Puts those who were stored back into a room that has been loaded. Nobody notices; whoever has gone meanwhile leaves. */
export async function restoreOccupants(room: Room): Promise<void> {
  const { stores } = room.service
  const stored = await stores.occupants.get(room.node)
  if (stored === undefined) return
  await inSlices(stored, (occupant) => restore(room, occupant))
  await stores.occupants.set(room.node, undefined)
  for (const session of room.sessions.values()) if (hasGone(room, session.jid)) await leave(room, session, {})
}

function restore(room: Room, { nick, role, sessions }: StoredOccupant): void {
  const { host } = room.service
  const [first] = sessions
  if (first === undefined) return
  const occupant = room.makeOccupant(nick, host.parseJid(first.jid).toBare(), role)
  for (const { jid, presence, tracksAffiliations } of sessions) {
    const session = room.seat(host.parseJid(jid), occupant, Stanza.parse(presence).keep())
    session.tracksAffiliations = tracksAffiliations
  }
}

/** A client of this server that is no longer connected. Of those of others we hear if they cannot be reached. */
function hasGone(room: Room, jid: Jid): boolean {
  const { host } = room.service
  return host.siblings('local').includes(jid.domain) && !host.isConnected(jid)
}

function storedOccupant({ nick, role, sessions, main }: Occupant): StoredOccupant {
  const others = [...sessions.values()].filter((session) => session !== main)
  const inOrder = main === undefined ? others : [...others, main]
  return { nick, role, sessions: inOrder.map(storedSession) }
}

function storedSession({ jid, presence, tracksAffiliations }: OccupantSession): StoredSession {
  return { jid: jid.full, presence: presence.toString(), tracksAffiliations }
}
