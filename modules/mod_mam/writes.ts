/** What is on its way into the archives of a host: how much there is, and whose messages did not arrive. */
import type { Log } from '../../server/log/log.ts'
import { Rarely } from '../../server/log/rarely.ts'
import type { Clock } from '../../server/util/clock.ts'

/** Messages that become durable together. */
interface Batch {
  readonly stored: Promise<void>
  readonly owners: Set<string>
  count: number
}

export class Writes {
  readonly #failures: Rarely
  #waiting = 0
  /** What is written together has one promise: one look at it is enough for all. */
  #last: Batch | undefined
  readonly #losers = new Set<string>()

  constructor(log: Log, clock: Pick<Clock, 'now'>) {
    this.#failures = new Rarely(clock, (count, error) => log.error('messages were not archived', { count, error }))
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
    this.#failures.failed(error, count)
  }
}

/** A transaction or two: the database is kept busy, and nobody waits for long. */
const MOST_WAITING = 2000
const MOST_LOSERS = 10_000
