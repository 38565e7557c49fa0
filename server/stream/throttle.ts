/** Peers that send faster than they may are read from more slowly; nothing that they have sent is lost. */
import type { Clock } from '../util/clock.ts'
import { type Rate, TokenBucket } from '../util/token-bucket.ts'

/** What a throttle acts on: no more is read between `hold` and `release`. */
export interface Held {
  hold(): void
  release(): void
}

export class Throttle implements Disposable {
  readonly #bucket: TokenBucket
  readonly #clock: Clock
  readonly #held: Held
  #timer: Disposable | undefined = undefined
  #ended = false

  constructor(rate: Rate, clock: Clock, held: Held) {
    this.#bucket = new TokenBucket(rate, clock.now())
    this.#clock = clock
    this.#held = held
  }

  /** Counts what was read at `now`, and stops the reading for as long as that was too much. */
  count(bytes: number, now: number): void {
    const wait = this.#bucket.take(bytes, now)
    // What comes while we wait was on its way; it makes the pause longer.
    if (wait === 0 || this.#timer !== undefined || this.#ended) return
    this.#held.hold()
    this.#wait(wait)
  }

  [Symbol.dispose](): void {
    this.#ended = true
    this.#timer?.[Symbol.dispose]()
  }

  #wait(milliseconds: number): void {
    this.#timer = this.#clock.after(milliseconds, () => {
      const more = this.#bucket.take(0, this.#clock.now())
      if (more > 0) {
        this.#wait(more)
        return
      }
      this.#timer = undefined
      this.#held.release()
    })
  }
}
