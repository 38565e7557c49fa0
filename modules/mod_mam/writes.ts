/** What is on its way into the archives of a host: how much there is, and whose messages did not arrive. */
import type { Log } from '../../server/log/log.ts'
import type { Clock } from '../../server/util/clock.ts'

/** Messages that become durable together. */
interface Batch {
  readonly stored: Promise<void>
  readonly owners: Set<string>
  count: number
}

export class Writes {
  readonly #log: Log
  readonly #clock: Pick<Clock, 'now'>
  #waiting = 0
  /** What is written together has one promise: one look at it is enough for all. */
  #last: Batch | undefined
  readonly #losers = new Set<string>()
  #lost = 0
  #quietUntil = 0

  constructor(log: Log, clock: Pick<Clock, 'now'>) {
    this.#log = log
    this.#clock = clock
  }

  /** So much waits to be stored that whoever sends more should wait as well. */
  get isBehind(): boolean {
    return this.#waiting > MOST_WAITING
  }

  watch(owner: string, stored: Promise<void>): void {
    this.#waiting++
    if (this.#last?.stored === stored) {
      this.#last.owners.add(owner)
      this.#last.count++
      return
    }
    const batch = { stored, owners: new Set([owner]), count: 1 }
    this.#last = batch
    void stored.catch((error: unknown) => this.#lose(batch, error)).then(() => void (this.#waiting -= batch.count))
  }

  /** Whether something of that owner was lost since this was asked last: its archive is told to be unstable (XEP-0313 §4.3.2). */
  takeLoss(owner: string): boolean {
    return this.#losers.delete(owner)
  }

  #lose({ owners, count }: Batch, error: unknown): void {
    for (const owner of owners) if (this.#losers.size < MOST_LOSERS) this.#losers.add(owner)
    this.#lost += count
    const now = this.#clock.now()
    if (now < this.#quietUntil) return
    this.#log.error('messages were not archived', { count: this.#lost, error })
    this.#lost = 0
    this.#quietUntil = now + QUIET_MILLISECONDS
  }
}

/** A transaction or two: the database is kept busy, and nobody waits for long. */
const MOST_WAITING = 2000
const MOST_LOSERS = 10_000
/** A disk that is full would fill the log, too. */
const QUIET_MILLISECONDS = 10_000
