/** The history of persistent rooms, so that it is there again after a restart. */
import type { Chain } from '../../../server/host/hooks.ts'
import { Stanza } from '../../../server/xml/stanza.ts'
import type { GroupMessage } from '../events.ts'
import type { Room } from '../room.ts'
import type { MucService } from '../service.ts'
import { historyLength } from './history.ts'

/** A message as it was shown to the room, and when. */
export interface Recalled {
  readonly at: Date
  readonly stanza: Stanza
}

declare module '../../../server/host/events.ts' {
  interface HostHooks {
    /** A room is being loaded: an archive that has its last messages puts them here, the oldest first. */
    'muc/recall': Chain<{ readonly room: Room; readonly most: number; messages: readonly Recalled[] }>
  }
}

export class HistoryArchive {
  readonly #service: MucService
  /** The ids of what is stored of each room, the oldest first. */
  readonly #ids = new WeakMap<Room, string[]>()

  constructor(service: MucService) {
    this.#service = service
  }

  /** Fills the history of a room that has been loaded. */
  async recall(room: Room): Promise<void> {
    const most = room.get(historyLength)
    const recall = { room, most, messages: [] as readonly Recalled[] }
    const known = await this.#service.host.fire('muc/recall', recall)
    const messages = known === undefined ? await this.#read(room, most) : recall.messages
    for (const { at, stanza } of messages) room.history.keep(stanza, at.getTime(), most)
  }

  /** Stores a message, if its room is to be kept and nobody else has stored it. */
  append({ room, stanza, source, isArchived }: GroupMessage, at: number): void {
    if (room.isTemporary || isArchived || room.get(historyLength) === 0) return
    const { id, stored } = this.#service.stores.history.append(room.node, {
      when: new Date(at),
      with: source.from.bare,
      stanza: stanza.toString(),
    })
    source.settles(stored)
    this.#trim(room, id)
  }

  /** Stores what a room has kept in memory so far: it is persistent from now on. */
  storeAll(room: Room): void {
    const { host, stores } = this.#service
    const stored = room.history.messages.map(({ at, shown }) => {
      const item = { when: new Date(at), with: room.jid.full, stanza: shown.toString() }
      return stores.history.append(room.node, item).stored
    })
    host.spawn('store the history of a room', async () => void (await Promise.all(stored)))
  }

  async #read(room: Room, most: number): Promise<readonly Recalled[]> {
    if (room.isTemporary) return []
    const items = await this.#service.stores.history.find(room.node, { limit: most, newestFirst: true })
    const oldestFirst = items.toReversed()
    this.#ids.set(
      room,
      oldestFirst.map(({ id }) => id),
    )
    return oldestFirst.map(({ when, stanza }) => ({ at: when, stanza: Stanza.parse(stanza) }))
  }

  /** Removes what is too old, now and then: many at a time. */
  #trim(room: Room, id: string): void {
    const ids = this.#ids.get(room) ?? []
    ids.push(id)
    this.#ids.set(room, ids)
    const surplus = ids.length - room.get(historyLength)
    if (surplus <= ids.length / 2) return
    ids.splice(0, surplus)
    const { host, stores } = this.#service
    host.spawn('forget old messages', async () => {
      await stores.history.remove(room.node, { before: ids[0] ?? id })
    })
  }
}
