/** A password or key from the configuration, which can be used but not printed by accident. */
import { timingSafeEqual } from 'node:crypto'
import { inspect } from 'node:util'

const HIDDEN = '(secret)'

/** Shows itself as `(secret)` in logs, JSON and `inspect`. */
export class Secret {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  /** The secret itself: for the one who has to prove it, and for nobody else. */
  reveal(): string {
    return this.#text
  }

  equals(other: Secret): boolean {
    const [mine, theirs] = [Buffer.from(this.#text), Buffer.from(other.#text)]
    return mine.length === theirs.length && timingSafeEqual(mine, theirs)
  }

  toString(): string {
    return HIDDEN
  }

  toJSON(): string {
    return HIDDEN
  }

  [inspect.custom](): string {
    return HIDDEN
  }
}
