/** What the rooms of one service share. */
import type { ModuleHost } from '../../server/host/host.ts'
import { archive, keyval, map, type Opened } from '../../storage/store.ts'
import type { Affiliate } from './affiliates.ts'
import type { MucConfig } from './config.ts'
import type { AnyRoomOption } from './options.ts'

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
  tombstones: keyval<Tombstone>('muc_tombstones'),
  vcards: keyval<string>('muc_vcards'),
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
  readonly visits: Visits
}

/** True for those whom the admin of the server has named. */
export function isServiceAdmin({ host }: MucService, bare: string): boolean {
  return host.admins.some((admin) => admin.bare === bare)
}

/** Counts the rooms that people are in. */
export class Visits {
  readonly #counts = new Map<string, number>()

  of(bare: string): number {
    return this.#counts.get(bare) ?? 0
  }

  begin(bare: string): void {
    this.#counts.set(bare, this.of(bare) + 1)
  }

  end(bare: string): void {
    const left = this.of(bare) - 1
    if (left > 0) this.#counts.set(bare, left)
    else this.#counts.delete(bare)
  }
}
