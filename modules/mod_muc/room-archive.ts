/** Where messages of rooms are kept, for those who must find or change them later. */
import type { Stanza } from '../../server/xml/stanza.ts'
import type { ShownMessage } from './features/history.ts'
import type { Room } from './room.ts'

declare module '../../server/host/provisions.ts' {
  interface Provisions {
    /** A place where messages of rooms are kept. */
    'room-archive': RoomArchive
  }
}

export interface RoomArchive {
  /** By its stanza-id. */
  get(room: Room, id: string): Promise<ShownMessage | undefined>
  /** The newest first, as they are read from storage. */
  newest(room: Room): AsyncIterable<ArchivedMessage>
  /** Puts another stanza in the place of a message; false if it is not there. */
  replace(room: Room, id: string, stanza: Stanza): Promise<boolean>
}

/** A message that nobody has parsed yet: most of those that are looked through are not the ones wanted. */
export interface ArchivedMessage {
  readonly id: string
  /** Milliseconds since 1970. */
  readonly at: number
  /** The real address of whoever sent it, bare or full. */
  readonly sender: string
  readonly xml: string
}
