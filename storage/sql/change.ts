/** What is to be written. */
import type { Owner } from '../store.ts'
import type { Sql } from './sql.ts'

export type Change = ValueChange | ItemChange | WordsChange | StatementChange

/** A text under a key; undefined removes it. */
export interface ValueChange {
  readonly kind: 'value'
  readonly store: number
  readonly owner: Owner
  readonly key: string
  readonly text: string | undefined
}

/** A stanza for an archive. */
export interface ItemChange {
  readonly kind: 'item'
  readonly store: number
  readonly owner: Owner
  readonly id: number
  /** The bare JID of the other side, and the resource if there is one. */
  readonly peer: string
  readonly resource: string | undefined
  readonly word: string | undefined
  /** Milliseconds since 1970. */
  readonly at: number
  readonly stanza: string
}

/** What an archived item is found by; nothing if it has been removed, or was indexed before. */
export interface WordsChange {
  readonly kind: 'words'
  readonly id: number
  /** Divided by spaces. */
  readonly words: string
}

/** A statement that keeps its place: what was given before it is written before it. */
export interface StatementChange {
  readonly kind: 'statement'
  readonly owner: Owner
  readonly statement: Sql
  /** It removes archives, whose numbers must then be looked up anew: nothing else may follow in its transaction. */
  readonly removesArchives?: boolean
}

/** About how much memory a change takes while it waits, in characters. */
export function charsOf(change: Change): number {
  if (change.kind === 'item') return change.stanza.length
  if (change.kind === 'words') return change.words.length
  return change.kind === 'value' ? (change.text?.length ?? 0) : 0
}
