/** What the rooms of one service share. */
import type { ModuleHost } from '../../server/host/host.ts'
import type { Jid } from '../../server/jid/jid.ts'
import { isPending, type Maybe } from '../../server/util/maybe.ts'
import { archive, keyval, map, type Opened } from '../../storage/store.ts'
import type { Affiliate } from './affiliates.ts'
import type { MucConfig } from './config.ts'
import type { AnyRoomOption } from './options.ts'
import type { Doors } from './rates.ts'
import type { StoredOccupant } from './survival.ts'

/** A room as it is stored, under its node. */
export interface StoredRoom {
  /** Milliseconds since 1970. */
  readonly createdAt: number
  /** By the keys of options and other values. */
  readonly values: Readonly<Record<string, unknown>>
}

/** What is left of a room that was destroyed: nobody can take its name for a while. */
export interface Tombstone {
  /** Milliseconds since 1970. */
  readonly until: number
  readonly reason?: string | undefined
  /** Where those who are looking for the room should go. */
  readonly venue?: string | undefined
}

export const stores = {
  rooms: keyval<StoredRoom>('muc_rooms'),
  /** By bare JID or domain. */
  affiliations: map<Affiliate>('muc_affiliations'),
  history: archive('muc_history'),
  /** Of the service, by node: what is stored for a node is erased with its room. */
  tombstones: map<Tombstone>('muc_tombstones'),
  vcards: keyval<string>('muc_vcards'),
  /** While the service is not running. */
  occupants: keyval<readonly StoredOccupant[]>('muc_occupants'),
}

export interface MucService {
  readonly host: ModuleHost
  readonly config: MucConfig
  readonly stores: Opened<typeof stores>
  /** Every option that rooms have: our own, then those of other modules. */
  readonly options: Iterable<AnyRoomOption>
  /** What a room is like that says nothing of an option, by key. */
  readonly defaults: ReadonlyMap<string, unknown>
  /** How many rooms each bare JID is in. */
  readonly visits: Tally
  readonly doors: Doors
  /** The service is about to end, or to be loaded anew: nothing happens any more. */
  isClosing: boolean
}

/** True for those whom the configuration names, and for admins of the hosts of this server. */
export function isServiceAdmin({ host }: MucService, whom: Jid): Maybe<boolean> {
  if (host.admins.some((admin) => admin.bare === whom.bare)) return true
  const role = host.roleOf(whom)
  return isPending(role) ? role.then((found) => found === 'admin') : role === 'admin'
}

/** Who is told which public rooms there are (XEP-0045 §6.3). */
export function mayListRooms(service: MucService, whom: Jid): Maybe<boolean> {
  const { host, config } = service
  const may = { anyone: true, local: host.siblings('local').includes(whom.domain), admins: false }
  return may[config.list_rooms] || isServiceAdmin(service, whom)
}

/** How often something is there, by name. */
export class Tally {
  readonly #counts = new Map<string, number>()

  of(name: string): number {
    return this.#counts.get(name) ?? 0
  }

  add(name: string): void {
    this.#counts.set(name, this.of(name) + 1)
  }

  remove(name: string): void {
    const left = this.of(name) - 1
    if (left > 0) this.#counts.set(name, left)
    else this.#counts.delete(name)
  }
}
