/** Stanzas that have been sent and not been acknowledged (XEP-0198 §4). */
import type { Stanza } from '../../server/xml/stanza.ts'

/** Counters wrap here (XEP-0198 §4). */
export const WRAP = 2 ** 32

/** A queue, and the number of stanzas that were acknowledged before it. */
export class Unacked {
  #stanzas: Stanza[] = []
  /** Those in front have been acknowledged; they go when they are half of the list. */
  #first = 0
  #acked = 0
  #chars = 0
  /** Those up to here no longer pin the chunk that they came in. */
  #kept = 0

  get length(): number {
    return this.#stanzas.length - this.#first
  }

  /** Characters of the contents that wait. */
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

  add(stanza: Stanza): void {
    this.#stanzas.push(stanza)
    this.#chars += stanza.inner.length
  }

  /** The client has handled `h` stanzas. False, and nothing changes, if it cannot have: fewer than before, or more than were sent. */
  acknowledge(h: number): boolean {
    const count = (h - (this.#acked % WRAP) + WRAP) % WRAP
    if (count > this.length) return false
    for (let i = 0; i < count; i++) this.#chars -= this.#stanzas[this.#first + i]!.inner.length
    this.#first += count
    this.#acked += count
    if (this.#first * 2 >= this.#stanzas.length) this.#compact()
    return true
  }

  /** Those that wait, the oldest first. */
  [Symbol.iterator](): Generator<Stanza> {
    return this.after(0)
  }

  /** Those that wait and were sent after the first `count` of all. */
  *after(count: number): Generator<Stanza> {
    const first = this.#first + Math.max(0, count - this.#acked)
    for (let i = first; i < this.#stanzas.length; i++) yield this.#stanzas[i]!
  }

  /** Lets go of the chunks that the stanzas were cut from: they will wait for long. */
  keep(): void {
    for (let i = Math.max(this.#first, this.#kept); i < this.#stanzas.length; i++) {
      this.#stanzas[i] = this.#stanzas[i]!.keep()
    }
    this.#kept = this.#stanzas.length
  }

  #compact(): void {
    this.#stanzas = this.#stanzas.slice(this.#first)
    this.#kept = Math.max(0, this.#kept - this.#first)
    this.#first = 0
  }
}
