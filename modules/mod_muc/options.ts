/** XEP-0045 §10: what an owner can set about a room, each option in one place. */
import type { Option } from '../../server/config/types.ts'
import type { FieldValue, ValueField } from '../../server/protocol/form-field.ts'
import type { MucConfig } from './config.ts'

declare module '../../server/host/provisions.ts' {
  interface Provisions {
    /** Something an owner can set about a room. Those of a module come behind those that are there. */
    'room-option': AnyRoomOption
  }
}

/** Something that is stored with a room, under a key of its own. Values are JSON. */
export interface RoomValue<T> {
  readonly key: string
  /** What holds while nothing is stored; of our own options, the configuration of the service says that instead. */
  readonly initial?: T
}

/**
 * One option of a room: how it is stored, asked for in the configuration form,
 * shown in service discovery, and which status codes tell of a change.
 * Declaring it is all that a feature does.
 */
export interface RoomOption<T> extends RoomValue<T> {
  /** The part of the form in which it stands. */
  readonly section: Section
  readonly field: ValueField
  /** Other names of the field that are understood. */
  readonly aliases?: readonly string[]
  /** The option of the service that sets the default for new rooms; it is called `default_` and the key. Only ours have one. */
  readonly preset?: Option<T>
  /** Only admins of the service may set it, unless this option of the service is true. */
  readonly needs?: 'allow_public' | 'allow_persistent'
  /** The features that a room with this value announces. */
  features?(value: T): readonly string[]
  /** What `muc#roominfo` tells of it. */
  info?(value: T): readonly InfoField[]
  /** What else is changed by a submission, if it says nothing of that. */
  complete?(changes: Map<string, FieldValue>): void
  /** Throws a StanzaError if a room cannot be like this. */
  check?(valueOf: <V>(option: RoomValue<V>) => V, config: MucConfig): void
  /** The status codes that occupants are told when it changes (§10.2.1); 104 if not given. */
  statuses?(value: T, before: T): readonly number[]
}

/** One whose default is in the configuration of the service. */
export interface OwnOption<T> extends RoomOption<T> {
  readonly preset: Option<T>
}

/** Fields of unlike options; each is given only values of its own. */
export type AnyRoomOption = RoomOption<unknown>

export const sections = {
  general: 'About the room',
  access: 'Who may come in',
  permissions: 'Who may do what',
  other: 'Other',
} as const
export type Section = keyof typeof sections

/** A field of `muc#roominfo` and what is in it. */
export interface InfoField {
  readonly field: ValueField
  readonly value: FieldValue
}

/** Declares an option of our own. It does nothing; it lets TypeScript tie the parts together. */
export function roomOption<T extends FieldValue>(option: OwnOption<T>): OwnOption<T> {
  return option
}

/** The name under which the admin of a service sets the default of an option. */
export function presetName(key: string): string {
  return `default_${key}`
}
