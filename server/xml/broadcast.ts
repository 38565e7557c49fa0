/** HOT. One stanza to many addressees. */
import { own } from '../util/own.ts'
import { escapeAttribute } from './escape.ts'
import { Stanza } from './stanza.ts'

/**
 * A stanza that is written once, and cut where the address goes: a copy for one
 * more occupant of a room costs two concatenations.
 */
export class Broadcast {
  readonly #stanza: Stanza
  readonly #before: string
  readonly #after: string
  #kept: Broadcast | undefined

  /** Whatever the stanza is addressed to does not matter. */
  constructor(stanza: Stanza) {
    const { before, after } = stanza.textAroundTo()
    this.#stanza = stanza
    this.#before = before
    // A copy in one piece, or each text would have to put its pieces together again.
    this.#after = own(after)
  }

  /** What `stanza.with({ to })` gives, but written faster. */
  for(to: string): Stanza {
    return new Copy(this.#stanza, to, this)
  }

  /** What `stanza.with({ to }).toString()` gives. */
  textFor(to: string): string {
    return this.#before + escapeAttribute(to) + this.#after
  }

  /** What `for(to).keep()` gives: all that are kept share one body. */
  keptFor(to: string): Stanza {
    this.#kept ??= this.#keep()
    return this.#kept.for(own(to))
  }

  #keep(): Broadcast {
    const kept = new Broadcast(this.#stanza.keep())
    kept.#kept = kept
    return kept
  }
}

class Copy extends Stanza {
  readonly #broadcast: Broadcast

  constructor({ name, from, id, type, lang, extra, inner, refs }: Stanza, to: string, broadcast: Broadcast) {
    super(name, { to, from, id, type, lang }, extra, inner, refs)
    this.#broadcast = broadcast
  }

  override toString(): string {
    return this.#broadcast.textFor(this.to ?? '')
  }

  override keep(): Stanza {
    return this.#broadcast.keptFor(this.to ?? '')
  }
}
