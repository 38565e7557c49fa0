/** Failures that may come by the thousand, as when a disk is full: the log says now and then how many there were. */
import type { Clock } from '../util/clock.ts'

const QUIET_MILLISECONDS = 10_000

export class Rarely {
  readonly #clock: Pick<Clock, 'now'>
  readonly #say: (count: number, error: unknown) => void
  #count = 0
  #quietUntil = 0

  /** `say` is told of the last failure, and how many there have been since it was called last. */
  constructor(clock: Pick<Clock, 'now'>, say: (count: number, error: unknown) => void) {
    this.#clock = clock
    this.#say = say
  }

  failed(error: unknown, count = 1): void {
    this.#count += count
    const now = this.#clock.now()
    if (now < this.#quietUntil) return
    this.#quietUntil = now + QUIET_MILLISECONDS
    this.#say(this.#count, error)
    this.#count = 0
  }
}
