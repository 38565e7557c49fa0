/** A rate with a burst: so many tokens a second, of which so many may be saved up. */
export interface Rate {
  readonly perSecond: number
  readonly burst: number
}

/**
 * Counts what was used against a rate. It may go below zero: what has arrived
 * has arrived, the bucket only says how long to wait before taking more.
 */
export class TokenBucket {
  readonly #rate: Rate
  #tokens: number
  #filledAt: number

  constructor(rate: Rate, now: number) {
    this.#rate = rate
    this.#tokens = rate.burst
    this.#filledAt = now
  }

  /** Takes `amount` tokens at `now` (ms); gives the milliseconds to wait until the bucket is not overdrawn, or 0. */
  take(amount: number, now: number): number {
    this.#fill(now)
    this.#tokens -= amount
    return this.#tokens >= 0 ? 0 : Math.ceil((-this.#tokens * 1000) / this.#rate.perSecond)
  }

  /** Takes `amount` tokens if there are so many; false, and nothing is taken, if there are not. */
  tryTake(amount: number, now: number): boolean {
    this.#fill(now)
    if (this.#tokens < amount) return false
    this.#tokens -= amount
    return true
  }

  #fill(now: number): void {
    const { perSecond, burst } = this.#rate
    const gained = (Math.max(0, now - this.#filledAt) * perSecond) / 1000
    this.#tokens = Math.min(burst, this.#tokens + gained)
    this.#filledAt = now
  }
}
