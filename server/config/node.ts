/** What was written in a config file, and where. */

export interface Place {
  readonly file: string
  /** From 1. */
  readonly line: number
  /** From 1, in UTF-16 code units. */
  readonly column: number
  /** How many code units are meant; they may run over the end of the line. */
  readonly length: number
}

/** An option without a value (`log:`) is undefined. */
export type Written = string | number | boolean | undefined | readonly ConfigNode[] | ReadonlyMap<string, ConfigEntry>

/** A value as it was read. A section that begins below its key has the place of the key. */
export interface ConfigNode {
  readonly place: Place
  readonly value: Written
}

export interface ConfigEntry {
  readonly key: Place
  readonly node: ConfigNode
}

/** Something that is wrong, in words for an admin. */
export interface Problem {
  readonly place: Place
  readonly message: string
  /** Secrets near the place, which must not be shown with the problem. */
  readonly hidden?: readonly Place[]
}

/** The entries of a section; none if the node is none. */
export function entriesOf(node: ConfigNode | undefined): ReadonlyMap<string, ConfigEntry> {
  return isSection(node?.value) ? node.value : new Map()
}

/** The items of a list; none if the node is none. */
export function itemsOf(node: ConfigNode | undefined): readonly ConfigNode[] {
  return isList(node?.value) ? node.value : []
}

/** The value without its places: objects, arrays and scalars. */
export function plainOf({ value }: ConfigNode): unknown {
  if (isList(value)) return value.map(plainOf)
  if (!isSection(value)) return value
  return Object.fromEntries([...value].map(([name, { node }]) => [name, plainOf(node)]))
}

/** What is there, as a problem names it; long text is cut. */
export function show({ value }: ConfigNode): string {
  if (value === undefined) return 'nothing'
  if (isList(value)) return 'a list'
  if (isSection(value)) return 'a section'
  const text = JSON.stringify(value)
  return text.length > 50 ? `${text.slice(0, 48)}…"` : text
}

function isSection(value: Written): value is ReadonlyMap<string, ConfigEntry> {
  return value instanceof Map
}

function isList(value: Written): value is readonly ConfigNode[] {
  return Array.isArray(value)
}
