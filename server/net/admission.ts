/** Who may connect: so many at once, and so many a second, from one address (XEP-0205 §3.1). */
import type { Clock } from '../util/clock.ts'
import { TokenBucket } from '../util/token-bucket.ts'
import { networkOf } from './address.ts'

export interface AdmissionLimits {
  readonly atOnce: number
  readonly perSecond: number
}

interface Visitors {
  connections: number
  readonly bucket: TokenBucket
}

/** Counts connections per address. Addresses without connections are forgotten after a while. */
export class Admission {
  readonly #clock: Clock
  readonly #visitors = new Map<string, Visitors>()
  /** With so many addresses it is time to forget. */
  #tooMany = REMEMBERED

  #limits: AdmissionLimits

  constructor(limits: AdmissionLimits, clock: Clock) {
    this.#limits = limits
    this.#clock = clock
  }

  /** From now on; those who are known keep the rate that they came with. */
  set limits(limits: AdmissionLimits) {
    this.#limits = limits
  }

  /** What to dispose when the connection is gone; undefined if it must be refused. */
  enter(address: string): Disposable | undefined {
    const network = networkOf(address)
    const visitors = this.#visitors.get(network) ?? this.#welcome(network)
    if (visitors.connections >= this.#limits.atOnce || !visitors.bucket.tryTake(1, this.#clock.now())) return undefined
    visitors.connections++
    return { [Symbol.dispose]: () => void visitors.connections-- }
  }

  #welcome(network: string): Visitors {
    if (this.#visitors.size >= this.#tooMany) this.#forget()
    const { perSecond } = this.#limits
    const bucket = new TokenBucket({ perSecond, burst: perSecond }, this.#clock.now())
    const visitors = { connections: 0, bucket }
    this.#visitors.set(network, visitors)
    return visitors
  }

  /** Looks at all of them, so the next time comes only when there are twice as many as are left. */
  #forget(): void {
    for (const [network, { connections }] of this.#visitors) if (connections === 0) this.#visitors.delete(network)
    this.#tooMany = Math.max(REMEMBERED, 2 * this.#visitors.size)
  }
}

/** Addresses that are remembered before those without connections are forgotten. */
const REMEMBERED = 10_000
