/** The hooks of rooms, for features of other modules. */
import type { Chain, Notice, Query, Shape } from '../../server/host/hooks.ts'
import type { Jid } from '../../server/jid/jid.ts'
import type { StanzaEvent } from '../../server/routed-stanza.ts'
import type { Element } from '../../server/xml/element.ts'
import type { Stanza } from '../../server/xml/stanza.ts'
import type { Occupant, OccupantSession } from './occupant.ts'
import type { InfoField } from './options.ts'
import type { Affiliation, Role } from './privileges.ts'
import type { Room } from './room.ts'

/** Somebody wants to come in. */
export interface Entry {
  readonly room: Room
  /** The full, real address. */
  readonly from: Jid
  readonly affiliation: Affiliation
  /** The presence that asks for it. */
  readonly stanza: Stanza
  /** Under which nickname; another one may be put in its place (XEP-0045 §7.2.2). */
  nick: string
  /** Status codes for whoever enters; more may be added. */
  readonly warnings: number[]
}

/** A message for all occupants. */
export interface GroupMessage {
  readonly room: Room
  readonly occupant: Occupant
  /** As it will be shown, but for the addressee. */
  stanza: Stanza
  /** When it was said, in milliseconds since 1970: the same wherever it is kept. */
  readonly at: number
  /** How it came: `settles` ties its acknowledgement to what is being stored. */
  readonly source: StanzaEvent
  /**
   * Its stanza-id (XEP-0359), from the archive that has it: then the room need not store it for its history. Whoever
   * sets it puts the id into the stanza.
   */
  id: string | undefined
}

/** What somebody has done who may do more than others, for whoever keeps a record. */
export interface Administered {
  readonly room: Room
  /** The real address of whoever has done it; undefined for the service itself. */
  readonly by: Jid | undefined
  readonly act: Act
  readonly reason: string | undefined
}

export type Act =
  | { readonly kind: 'affiliation'; readonly whom: Jid; readonly before: Affiliation; readonly after: Affiliation }
  | { readonly kind: 'role'; readonly whom: Jid; readonly nick: string; readonly before: Role; readonly after: Role }
  /** The keys of options. */
  | { readonly kind: 'configuration'; readonly keys: readonly string[] }
  | { readonly kind: 'destruction' }
  /** Messages were retracted; their ids. */
  | { readonly kind: 'retraction'; readonly whom: Jid; readonly ids: readonly string[] }

/** What somebody is told of a room. */
export interface RoomInfo {
  readonly room: Room
  readonly asking: Jid
  features: readonly string[]
  /** Of `muc#roominfo`. */
  fields: readonly InfoField[]
  /** Other forms. */
  forms: readonly Element[]
}

declare module '../../server/host/events.ts' {
  interface HostHooks {
    /** Somebody is about to come in: throw to refuse, or answer with a role other than that of their affiliation. */
    'muc/entering': Query<Entry, Role>
    /** An occupant is about to be shown to others; `stanza` may be replaced. It has no address yet. */
    'muc/show-occupant': Shape<{ readonly room: Room; readonly occupant: Occupant; stanza: Stanza }>
    /** A message for all occupants. */
    'muc/message': Chain<GroupMessage>
    /** The room itself is about to say something to all occupants: an archive keeps it, and puts its id into the stanza. */
    'muc/said': Shape<{ readonly room: Room; stanza: Stanza; id: string | undefined }>
    /** Somebody asks what a room is and can do. */
    'muc/room-info': Shape<RoomInfo>
    /** A room has been configured for the first time: from now on it exists for others. */
    'muc/opened': Notice<{ readonly room: Room }>
    'muc/joined': Notice<{ readonly room: Room; readonly session: OccupantSession }>
    'muc/left': Notice<{ readonly room: Room; readonly occupant: Occupant; readonly jid: Jid }>
    /** The configuration has changed: the keys of the options. */
    'muc/configured': Notice<{ readonly room: Room; readonly keys: readonly string[] }>
    /** Somebody's affiliation, or the nickname reserved for them, may have changed. */
    'muc/affiliated': Notice<{ readonly room: Room; readonly bare: string }>
    /** Somebody has done what only some may. */
    'muc/administered': Notice<Administered>
    'muc/destroyed': Notice<{ readonly room: Room }>
  }
}
