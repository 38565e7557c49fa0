/** Who fails to log in too often: counted per address, so that passwords cannot be guessed in numbers. */
import { LRUCache } from 'lru-cache'
import { networkOf } from '../net/address.ts'
import type { Clock } from '../util/clock.ts'

export interface AttemptLimits {
  /** So many failures within the window, and the address is turned away. */
  readonly failures: number
  readonly windowSeconds: number
  /** So many failures are answered without delay: people mistype. */
  readonly free: number
  /** The pause after the first failure that is not free; it doubles with each further one. */
  readonly delaySeconds: number
  readonly longestDelaySeconds: number
  /** Remembered at once; the one that has failed longest ago is forgotten first. */
  readonly addresses: number
}

/**
 * The failures of each address, of late. An IPv6 subscriber has a whole /64 to
 * choose from, so that counts as one address. A success clears nothing: else
 * whoever has one account could guess at others for ever.
 */
export class LoginAttempts {
  readonly #clock: Clock
  readonly #limits: AttemptLimits
  /** When each network failed, oldest first; never more than `limits.failures` times. */
  readonly #failures: LRUCache<string, number[]>

  constructor(clock: Clock, limits: Partial<AttemptLimits> = {}) {
    this.#clock = clock
    this.#limits = { ...DEFAULTS, ...limits }
    this.#failures = new LRUCache({ max: this.#limits.addresses })
  }

  /** Milliseconds until this address may try again; 0 if it may now. */
  blockedMilliseconds(address: string): number {
    const { failures, windowSeconds } = this.#limits
    const recent = this.#recent(networkOf(address))
    const [oldest] = recent
    if (oldest === undefined || recent.length < failures) return 0
    return oldest + windowSeconds * 1000 - this.#clock.now()
  }

  /** Notes a failure. Gives the milliseconds to hold back the answer to it. */
  failed(address: string): number {
    const { failures, free, delaySeconds, longestDelaySeconds } = this.#limits
    const network = networkOf(address)
    const recent = [...this.#recent(network), this.#clock.now()].slice(-failures)
    this.#failures.set(network, recent)
    if (recent.length <= free) return 0
    return Math.min(delaySeconds * 2 ** (recent.length - free - 1), longestDelaySeconds) * 1000
  }

  #recent(network: string): readonly number[] {
    const { windowSeconds } = this.#limits
    const now = this.#clock.now()
    const all = this.#failures.peek(network) ?? []
    // A clock that was set back must not block anyone for longer than the window.
    const recent = all.filter((at) => at > now - windowSeconds * 1000 && at <= now)
    if (recent.length === 0) this.#failures.delete(network)
    return recent
  }
}

const DEFAULTS: AttemptLimits = {
  failures: 20,
  windowSeconds: 3600,
  free: 3,
  delaySeconds: 1,
  longestDelaySeconds: 20,
  addresses: 10_000,
}
