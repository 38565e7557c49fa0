/** How many accounts may be made from one address (XEP-0077 §8 asks for such a limit). */
import { LRUCache } from 'lru-cache'
import { networkOf } from '../../server/net/address.ts'
import type { Clock } from '../../server/util/clock.ts'
import { TokenBucket } from '../../server/util/token-bucket.ts'

/** Addresses that are remembered. */
const REMEMBERED = 10_000
const HOUR_SECONDS = 3600

export class RegistrationRates {
  readonly #perHour: number
  readonly #clock: Clock
  readonly #buckets = new LRUCache<string, TokenBucket>({ max: REMEMBERED })

  constructor(perHour: number, clock: Clock) {
    this.#perHour = perHour
    this.#clock = clock
  }

  /** True if one more account may be made from there now; counts it. */
  allow(address: string): boolean {
    const network = networkOf(address)
    const now = this.#clock.now()
    const rate = { perSecond: this.#perHour / HOUR_SECONDS, burst: this.#perHour }
    const bucket = this.#buckets.get(network) ?? new TokenBucket(rate, now)
    this.#buckets.set(network, bucket)
    return bucket.tryTake(1, now)
  }
}
