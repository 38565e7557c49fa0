/** XEP-0424 §4: finds messages of rooms, and puts tombstones in their place, wherever they are kept. */
import type { ModuleHost } from '../../server/host/host.ts'
import { retractedId } from '../../server/protocol/retraction.ts'
import { NS } from '../../server/xml/ns.ts'
import type { Stanza } from '../../server/xml/stanza.ts'
import type { ShownMessage } from '../mod_muc/features/history.ts'
import type { Room } from '../mod_muc/room.ts'

/** How many of the last messages are looked through for those of one person. */
const SEARCHED = 5000

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

  /** What somebody has said since then and not retracted, the oldest first; `since` is in milliseconds since 1970. */
  async saidBy(room: Room, bare: string, since: number): Promise<readonly ShownMessage[]> {
    const found = new Map(room.history.messages.map((message) => [message.id, message]))
    for (const archive of this.#host.items('room-archive')) {
      for (const message of await archive.last(room, SEARCHED)) found.set(message.id, message)
    }
    return [...found.values()]
      .filter(({ sender, at, shown }) => bareOf(sender) === bare && at >= since && isRetractable(shown))
      .toSorted((one, other) => one.at - other.at)
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
