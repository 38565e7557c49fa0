/** Names of archived stanzas: made in this process, so that a stanza has its name before it is stored (docs/adr/0007). */
import type { Clock } from '../server/util/clock.ts'

/**
 * Numbers items: the milliseconds since 2020 times 4096, plus a sequence.
 *
 * Strictly increasing, also when the clock steps back or more than 4096 items
 * come in a millisecond: then numbers run ahead of the clock until it has
 * caught up. Safe integers until 2089.
 */
export class ArchiveIds {
  readonly #clock: Pick<Clock, 'now'>
  #last: number

  /** `last` is the highest number in use, or 0. */
  constructor(clock: Pick<Clock, 'now'>, last: number) {
    this.#clock = clock
    this.#last = last
  }

  get last(): number {
    return this.#last
  }

  next(): number {
    this.#last = Math.max(this.#last + 1, firstIdAt(this.#clock.now()))
    return this.#last
  }
}

/** The lowest number that an item can have in a millisecond counted from 1970; the lowest or highest of all before 2020 or after 2089. */
export function firstIdAt(milliseconds: number): number {
  return Math.min(Number.MAX_SAFE_INTEGER, Math.max(0, Math.floor(milliseconds - BEGINNING) * PER_MILLISECOND))
}

/** The millisecond, counted from 1970, in which an item with this number was named. */
export function millisecondOf(id: number): number {
  return Math.floor(id / PER_MILLISECOND) + BEGINNING
}

/** 11 digits to base 32, which sort like the numbers. */
export function idText(id: number): string {
  return id.toString(32).padStart(DIGITS, '0')
}

/** The number that was written as `text`, or undefined if `text` is no id. */
export function idNumber(text: string): number | undefined {
  if (!ID.test(text)) return undefined
  const id = Number.parseInt(text, 32)
  return Number.isSafeInteger(id) ? id : undefined
}

const BEGINNING = Date.UTC(2020, 0, 1)
const PER_MILLISECOND = 4096
const DIGITS = 11
const ID = /^[0-9a-v]{11}$/
