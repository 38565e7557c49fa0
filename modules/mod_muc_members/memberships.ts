/** To which rooms of the service somebody belongs, without looking into every room. */
import type { ModuleHost } from '../../server/host/host.ts'
import { inSlices } from '../../server/util/slices.ts'
import type { KeyvalStore, MapStore } from '../../storage/store.ts'
import type { Room } from '../mod_muc/room.ts'

export interface Membership {
  /** When their last client left, in milliseconds since 1970; undefined if they have not been there yet. */
  readonly seenAt?: number | undefined
}

/** Whoever has a longer address is not noted: so long is what a store can name its owner (RFC 7622 §3.3.1). */
const OWNER_BYTES = 1023

export class Memberships {
  readonly #host: ModuleHost<'muc'>
  readonly #store: MapStore<Membership>

  constructor(host: ModuleHost<'muc'>, store: MapStore<Membership>) {
    this.#host = host
    this.#store = store
    host.on('muc/opened', ({ room }) => this.#note(room, membersOf(room)))
    host.on('muc/affiliated', ({ room, bare }) => this.#note(room, [bare]))
    host.on('muc/destroyed', ({ room }) => this.#note(room, membersOf(room)))
    host.on('muc/left', ({ room, occupant: { bare } }) => {
      if (isMember(room, bare.bare) && !room.isPresent(bare.bare)) this.#left(room, bare.bare)
    })
  }

  /** The rooms that somebody belongs to, by node; one or the other may be gone. */
  of(bare: string): Promise<ReadonlyMap<string, Membership>> {
    return this.#store.all(bare)
  }

  /** Notes the members of all rooms, if that has never been done. */
  async complete(state: KeyvalStore<boolean>): Promise<void> {
    if ((await state.get('')) === true) return
    const { rooms } = this.#host.service('muc')
    for (const node of rooms.nodes) {
      const room = await rooms.find(node)
      for (const bare of room === undefined ? [] : membersOf(room)) await this.#set(bare, node, {})
    }
    await state.set('', true)
  }

  #note(room: Room, people: Iterable<string>): void {
    const { node } = room
    const note = async (bare: string): Promise<void> => {
      if (room.isGone || !isMember(room, bare)) return this.#set(bare, node, undefined)
      if ((await this.#get(bare, node)) === undefined) await this.#set(bare, node, {})
    }
    this.#host.spawn('note who belongs to a room', async () => {
      const writes: Promise<void>[] = []
      await inSlices(people, (bare) => void writes.push(note(bare)))
      await Promise.all(writes)
    })
  }

  #left({ node }: Room, bare: string): void {
    const seenAt = this.#host.clock.now()
    this.#host.spawn('note when a member left', () => this.#set(bare, node, { seenAt }))
  }

  async #get(bare: string, node: string): Promise<Membership | undefined> {
    return isTooLong(bare) ? {} : this.#store.get(bare, node)
  }

  async #set(bare: string, node: string, membership: Membership | undefined): Promise<void> {
    if (!isTooLong(bare)) await this.#store.set(bare, node, membership)
  }
}

function isMember(room: Room, bare: string): boolean {
  const affiliation = room.affiliates.own(bare)
  return affiliation !== 'none' && affiliation !== 'outcast'
}

function membersOf(room: Room): readonly string[] {
  return [...room.affiliates.entries()].flatMap(([bare]) => (isMember(room, bare) ? bare : []))
}

function isTooLong(bare: string): boolean {
  return Buffer.byteLength(bare) > OWNER_BYTES
}
