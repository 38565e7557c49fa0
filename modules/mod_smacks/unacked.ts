/** Stanzas that have been sent and not been acknowledged (XEP-0198 §4). */
import type { Kept } from '../../server/host/events.ts'
import type { Stanza } from '../../server/xml/stanza.ts'

/** Counters wrap here (XEP-0198 §4). */
export const WRAP = 2 ** 32

/** What a stanza takes besides its contents. */
const STANZA_CHARS = 128

export interface UnackedStanza {
  readonly stanza: Stanza
  /** Where it is stored, if it is. */
  readonly kept: Kept | undefined
}

/** A queue, and the number of stanzas that were acknowledged before it. */
export class Unacked {
  #waiting: UnackedStanza[] = []
  /** Those in front have been acknowledged; they go when they are half of the list. */
  #first = 0
  #acked: number
  #chars = 0
  /** Those up to here no longer pin the chunk that they came in, and are stored if that is needed. */
  #kept = 0
  /** Those up to here were there when this was last asked. */
  #seen = 0

  /** `acked` were acknowledged before. */
  constructor(acked = 0) {
    this.#acked = acked
  }

  get length(): number {
    return this.#waiting.length - this.#first
  }

  /** Characters of what waits. */
  get chars(): number {
    return this.#chars
  }

  /** How many the client has acknowledged, without wrapping. */
  get acked(): number {
    return this.#acked
  }

  /** Without wrapping. */
  get sent(): number {
    return this.#acked + this.length
  }

  add(stanza: Stanza, kept: Kept | undefined): void {
    this.#waiting.push({ stanza, kept })
    this.#chars += charsOf(stanza)
  }

  /** The client has handled `h` stanzas. False, and nothing changes, if it cannot have: fewer than before, or more than were sent. */
  acknowledge(h: number): boolean {
    const count = (h - (this.#acked % WRAP) + WRAP) % WRAP
    if (count > this.length) return false
    for (let i = 0; i < count; i++) {
      const { stanza, kept } = this.#waiting[this.#first + i]!
      this.#chars -= charsOf(stanza)
      kept?.forget()
    }
    this.#first += count
    this.#acked += count
    if (this.#first * 2 >= this.#waiting.length) this.#compact()
    return true
  }

  /** Those that wait, the oldest first. */
  [Symbol.iterator](): Generator<UnackedStanza> {
    return this.after(0)
  }

  /** Those that wait and were sent after the first `count` of all. */
  *after(count: number): Generator<UnackedStanza> {
    const first = this.#first + Math.max(0, count - this.#acked)
    for (let i = first; i < this.#waiting.length; i++) yield this.#waiting[i]!
  }

  /**
   * Prepares for a long wait: lets go of the chunks that stanzas were cut from, and has those stored that are not.
   * Of 'some', which is asked now and then, only those that were there the last time.
   */
  keep(which: 'all' | 'some', store: (stanza: Stanza) => Kept | undefined): void {
    const end = which === 'all' ? this.#waiting.length : this.#seen
    for (let i = Math.max(this.#first, this.#kept); i < end; i++) {
      const { stanza, kept } = this.#waiting[i]!
      this.#waiting[i] = { stanza: stanza.keep(), kept: kept ?? store(stanza) }
    }
    this.#kept = Math.max(this.#kept, end)
    this.#seen = this.#waiting.length
  }

  #compact(): void {
    this.#waiting = this.#waiting.slice(this.#first)
    this.#kept = Math.max(0, this.#kept - this.#first)
    this.#seen = Math.max(0, this.#seen - this.#first)
    this.#first = 0
  }
}

function charsOf({ inner }: Stanza): number {
  return inner.length + STANZA_CHARS
}
