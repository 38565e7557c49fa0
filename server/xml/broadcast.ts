/** HOT. One stanza to many addressees. */
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
    const text = stanza.with({ to: '' }).toString()
    const place = text.indexOf("to=''") + "to='".length
    this.#before = text.slice(0, place)
    this.#after = text.slice(place)
  }

  /** What `stanza.with({ to }).toString()` gives. */
  for(to: string): string {
    return this.#before + escapeAttribute(to) + this.#after
  }
}
