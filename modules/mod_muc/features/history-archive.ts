/** The history of rooms, so that it is there again after a restart: of those that no other module archives. */
import type { Chain } from '../../../server/host/hooks.ts'
import { withStanzaId } from '../../../server/protocol/stanza-id.ts'
import { Stanza } from '../../../server/xml/stanza.ts'
import type { ArchiveItem, ArchiveStore } from '../../../storage/store.ts'
import type { GroupMessage } from '../events.ts'
import type { Room } from '../room.ts'
import type { ArchivedMessage, RoomArchive } from '../room-archive.ts'
import type { MucService } from '../service.ts'
import { historyLength, type ShownMessage } from './history.ts'

declare module '../../../server/host/events.ts' {
  interface HostHooks {
    /** A room is being loaded: archives that have some of its last messages add them, the oldest first. */
    'muc/recall': Chain<{ readonly room: Room; readonly most: number; messages: readonly ShownMessage[] }>
  }
}

export class HistoryArchive implements RoomArchive {
  readonly #service: MucService
  /** The ids of what is stored of each room, the oldest first. */
  readonly #ids = new WeakMap<Room, string[]>()

  constructor(service: MucService) {
    this.#service = service
  }

  /** Fills the history of a room that has been loaded. */
  async recall(room: Room): Promise<void> {
    const most = room.get(historyLength)
    const recall = { room, most, messages: await this.#read(room, most) }
    await this.#service.host.fire('muc/recall', recall)
    // What was archived elsewhere for a while lies between.
    const messages = recall.messages.toSorted((one, other) => one.at - other.at)
    for (const message of messages.slice(-most)) room.history.keep(message, most)
  }

  /** Stores a message, and gives its id. Of a room that is not configured yet nothing is stored. */
  append({ room, stanza, source, at }: GroupMessage): string | undefined {
    if (room.isLocked || room.get(historyLength) === 0) return undefined
    const { id, stored } = this.#service.stores.history.append(room.node, {
      when: new Date(at),
      with: source.from.bare,
      stanza: stanza.toString(),
    })
    source.settles(stored)
    this.#trim(room, id)
    return id
  }

  async get(room: Room, id: string): Promise<ShownMessage | undefined> {
    const item = await this.#service.stores.history.get(room.node, id)
    return item && shownMessage(room, item)
  }

  newest(room: Room): AsyncIterable<ArchivedMessage> {
    return newestIn(this.#service.stores.history, room)
  }

  replace(room: Room, id: string, stanza: Stanza): Promise<boolean> {
    return this.#service.stores.history.replace(room.node, id, stanza.toString())
  }

  async #read(room: Room, most: number): Promise<readonly ShownMessage[]> {
    const items = await this.#service.stores.history.find(room.node, { limit: most, newestFirst: true })
    const oldestFirst = items.toReversed()
    this.#ids.set(
      room,
      oldestFirst.map(({ id }) => id),
    )
    return oldestFirst.map((item) => shownMessage(room, item))
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

/** Items that are read at a time. */
const PAGE = 100

/** Reads what a store has of a room, the newest first, as far as somebody wants to know it. */
async function* newestIn(store: ArchiveStore, room: Room): AsyncIterable<ArchivedMessage> {
  let before: string | undefined
  for (;;) {
    const items = await store.find(room.node, { before, limit: PAGE, newestFirst: true })
    for (const { id, when, with: sender, stanza } of items) yield { id, at: when.getTime(), sender, xml: stanza }
    before = items.at(-1)?.id
    if (items.length < PAGE) return
  }
}

/** What is archived of a room, as it was shown. */
export function shownMessage(room: Room, { id, when, with: sender, stanza }: ArchiveItem): ShownMessage {
  const shown = withStanzaId(Stanza.parse(stanza), { id, by: room.jid.full })
  return { id, at: when.getTime(), sender, shown }
}
