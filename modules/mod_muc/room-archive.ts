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
  /** The newest first. */
  last(room: Room, limit: number): Promise<readonly ShownMessage[]>
  /** Puts another stanza in the place of a message; false if it is not there. */
  replace(room: Room, id: string, stanza: Stanza): Promise<boolean>
}
