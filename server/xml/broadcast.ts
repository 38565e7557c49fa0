/** HOT. One stanza to many addressees. */
import { own } from '../util/own.ts'
import { escapeAttribute } from './escape.ts'
import type { Stanza } from './stanza.ts'

/**
 * The text of a stanza, written once and cut where the address goes: a copy for
 * one more occupant of a room costs two concatenations.
 */
export class Broadcast {
  readonly #before: string
  readonly #after: string

  /** Whatever the stanza is addressed to does not matter. */
  constructor(stanza: Stanza) {
    const { before, after } = stanza.textAroundTo()
    this.#before = before
    // A copy in one piece, or each text would have to put its pieces together again.
    this.#after = own(after)
  }

  /** What `stanza.with({ to }).toString()` gives. */
  for(to: string): string {
    return this.#before + escapeAttribute(to) + this.#after
  }
}
