/** The hooks of rooms, for features of other modules. */
import type { Chain, Notice, Query, Shape } from '../../server/host/hooks.ts'
import type { Jid } from '../../server/jid/jid.ts'
import type { DiscoInfo } from '../../server/protocol/disco-info.ts'
import type { StanzaEvent } from '../../server/routed-stanza.ts'
import type { Stanza } from '../../server/xml/stanza.ts'
import type { Occupant, OccupantSession } from './occupant.ts'
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
  /** How it came: `settles` ties its acknowledgement to what is being stored. */
  readonly source: StanzaEvent
  /** An archive has it: the room need not store it for its history. */
  isArchived: boolean
}

declare module '../../server/host/events.ts' {
  interface HostHooks {
    /** Somebody is about to come in: throw to refuse, or answer with a role other than that of their affiliation. */
    'muc/entering': Query<Entry, Role>
    /** An occupant is about to be shown to others; `stanza` may be replaced. It has no address yet. */
    'muc/show-occupant': Shape<{ readonly room: Room; readonly occupant: Occupant; stanza: Stanza }>
    /** A message for all occupants. */
    'muc/message': Chain<GroupMessage>
    /** Somebody asks what a room is and can do. */
    'muc/room-info': Shape<{ readonly room: Room; readonly asking: Jid; info: DiscoInfo }>
    'muc/joined': Notice<{ readonly room: Room; readonly session: OccupantSession }>
    'muc/left': Notice<{ readonly room: Room; readonly occupant: Occupant; readonly jid: Jid }>
    /** The configuration has changed: the keys of the options. */
    'muc/configured': Notice<{ readonly room: Room; readonly keys: readonly string[] }>
    'muc/affiliation-changed': Notice<{ readonly room: Room; readonly bare: string; readonly affiliation: Affiliation }>
    'muc/destroyed': Notice<{ readonly room: Room }>
  }
}
