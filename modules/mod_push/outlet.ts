/** One push service of one account: what it is yet to be told, and when. */
import { type StanzaCondition, StanzaError } from '../../server/stanza-error.ts'
import { TokenBucket } from '../../server/util/token-bucket.ts'
import type { News } from './news.ts'
import type { Registration } from './registration.ts'

/** What an outlet needs of the world around it. */
export interface OutletWorld {
  /** Milliseconds since 1970. */
  now(): number
  /** A number from 0 up to 1. */
  chance(): number
  after(seconds: number, run: () => void): Disposable
  /** Tells the service of the latest of so many news. Rejects with a StanzaError if it does not take them. */
  publish(registration: Registration, news: News, count: number): Promise<void>
  /** The service does not know the client any more. */
  revoke(outlet: Outlet): Promise<void>
}

export interface OutletLimits {
  /** Seconds between two notifications; what comes in between is told in one. */
  readonly gatherSeconds: number
  /** Failures in a row after which a service is given up. */
  readonly maxErrors: number
}

/** After an error nothing is tried for so long, then for twice as long, and so on. */
const FIRST_PAUSE_SECONDS = 15
const LONGEST_PAUSE_SECONDS = 3600
/** So long a service is not told more if it has not answered: its answer may be lost. */
const ANSWER_SECONDS = 10
/** A part of each pause is left to chance, so that not all come back at once. */
const CHANCE = 0.25
/** Attempts after which nobody need be told of something any more. */
const ATTEMPTS = 16
/** Calls need not wait for anything, but callers may be many. */
const CALLS = { perSecond: 0.1, burst: 5 }

export class Outlet {
  readonly registration: Registration
  readonly #world: OutletWorld
  readonly #limits: OutletLimits
  readonly #calls: TokenBucket
  /** What was missed since the client was last there. */
  #missed = 0
  /** The latest of what the service has not been told. */
  #untold: News | undefined
  #sentAt = 0
  #failures = 0
  /** Nothing but calls is told earlier. */
  #notBefore = 0
  #timer: Disposable | undefined
  #isOver = false

  constructor(registration: Registration, world: OutletWorld, limits: OutletLimits) {
    this.registration = registration
    this.#world = world
    this.#limits = limits
    this.#calls = new TokenBucket(CALLS, world.now())
  }

  /** The client has missed something. */
  add(news: News): void {
    this.#missed++
    // A call is not hidden by what somebody writes at the same time.
    if (this.#untold?.kind !== 'call') this.#untold = news
    if (news.kind === 'call' && this.#failures === 0 && this.#calls.tryTake(1, this.#world.now())) this.#send()
    else this.#arrange()
  }

  /** The client is there: it sees for itself. */
  seen(): void {
    this.#missed = 0
    this.#untold = undefined
    this.#stopWaiting()
  }

  /** Nothing is told any more. */
  end(): void {
    this.#isOver = true
    this.seen()
  }

  #arrange(): void {
    if (this.#isOver || this.#untold === undefined || this.#timer !== undefined) return
    const wait = this.#notBefore - this.#world.now()
    if (wait <= 0) this.#send()
    else this.#timer = this.#world.after(wait / 1000, () => this.#send())
  }

  #send(): void {
    this.#stopWaiting()
    const news = this.#untold
    if (news === undefined) return
    this.#untold = undefined
    this.#sentAt = this.#world.now()
    this.#notBefore = this.#sentAt + Math.max(this.#limits.gatherSeconds, ANSWER_SECONDS) * 1000
    void this.#publish(news).finally(() => {
      this.#stopWaiting()
      this.#arrange()
    })
  }

  async #publish(news: News): Promise<void> {
    try {
      await this.#world.publish(this.registration, news, this.#missed)
      this.#failures = 0
      this.#notBefore = this.#sentAt + this.#limits.gatherSeconds * 1000
    } catch (error) {
      await this.#failed(news, error)
    }
  }

  /** XEP-0357 §7.1: what is not going to be better ends it; what may be is tried again. */
  async #failed(news: News, error: unknown): Promise<void> {
    this.#failures++
    const condition = error instanceof StanzaError ? error.condition : 'internal-server-error'
    const isUnreachable = UNREACHABLE.has(condition)
    if (isFinal(condition) || (!isUnreachable && this.#failures >= this.#limits.maxErrors)) {
      this.end()
      await this.#world.revoke(this)
      return
    }
    this.#notBefore = this.#world.now() + this.#pauseSeconds() * 1000
    // The client may have come in the meantime.
    if (this.#missed > 0 && this.#failures < ATTEMPTS) this.#untold ??= news
  }

  #pauseSeconds(): number {
    const pause = Math.min(FIRST_PAUSE_SECONDS * 2 ** (this.#failures - 1), LONGEST_PAUSE_SECONDS)
    return pause * (1 + CHANCE * this.#world.chance())
  }

  #stopWaiting(): void {
    this.#timer?.[Symbol.dispose]()
    this.#timer = undefined
  }
}

/** The service may be there again tomorrow: that does not count against it. */
const UNREACHABLE: ReadonlySet<StanzaCondition> = new Set(['remote-server-not-found', 'remote-server-timeout'])

/** What passes by itself. */
const TRANSIENT: ReadonlySet<StanzaCondition> = new Set([
  'internal-server-error',
  'policy-violation',
  'recipient-unavailable',
  'resource-constraint',
  'service-unavailable',
  'undefined-condition',
  'unexpected-request',
])

function isFinal(condition: StanzaCondition): boolean {
  return !UNREACHABLE.has(condition) && !TRANSIENT.has(condition)
}
