/** XEP-0424 §4: finds messages of rooms, and puts tombstones in their place, wherever they are kept. */
import type { ModuleHost } from '../../server/host/host.ts'
import { retractedId } from '../../server/protocol/retraction.ts'
import { NS } from '../../server/xml/ns.ts'
import { Stanza } from '../../server/xml/stanza.ts'
import type { ShownMessage } from '../mod_muc/features/history.ts'
import type { Room } from '../mod_muc/room.ts'

/** How many of the last messages are looked through for those of one person. */
const SEARCHED = 5000
/** Everybody in the room is told of each. */
const MOST_AT_ONCE = 500

export class Graves {
  readonly #host: ModuleHost

  constructor(host: ModuleHost) {
    this.#host = host
  }

  /** A message by its stanza-id. */
  async find(room: Room, id: string): Promise<ShownMessage | undefined> {
    const known = room.history.find(id)
    if (known !== undefined) return known
    for (const archive of this.#host.items('room-archive')) {
      const message = await archive.get(room, id)
      if (message !== undefined) return message
    }
    return undefined
  }

  /**
   * What somebody has said since then and not retracted, the oldest first; `since` is in milliseconds since 1970. Not
   * more than can be retracted at once.
   */
  async saidBy(room: Room, bare: string, since: number): Promise<readonly ShownMessage[]> {
    const isTheirs = (sender: string, at: number) => bareOf(sender) === bare && at >= since
    const kept = room.history.messages.filter(({ sender, at }) => isTheirs(sender, at))
    const found = new Map(kept.map((message) => [message.id, message]))
    for (const archive of this.#host.items('room-archive')) {
      let seen = 0
      for await (const { id, at, sender, xml } of archive.newest(room)) {
        if (isTheirs(sender, at) && !found.has(id)) found.set(id, { id, at, sender, shown: Stanza.parse(xml) })
        if (at < since || ++seen >= SEARCHED || found.size >= MOST_AT_ONCE) break
      }
    }
    return [...found.values()]
      .filter(({ shown }) => isRetractable(shown))
      .toSorted((one, other) => one.at - other.at)
      .slice(-MOST_AT_ONCE)
  }

  /** Puts a tombstone in the place of a message. */
  async bury(room: Room, { id }: ShownMessage, tombstone: Stanza): Promise<void> {
    for (const archive of this.#host.items('room-archive')) await archive.replace(room, id, tombstone)
    room.history.replace(id, tombstone)
  }
}

/** Tombstones stay, and so do retractions, or nobody would hear of them (§5); subjects are not taken back. */
export function isRetractable(stanza: Stanza): boolean {
  return retractedId(stanza) === undefined && !stanza.has('retracted', NS.retract) && !stanza.has('subject')
}

/** Archived addresses are prepared. */
export function bareOf(address: string): string {
  return address.split('/', 1)[0] ?? address
}
