/** Whose messages could not be stored: their archives are told to be unstable once (XEP-0313 §4.3.2). */
import type { Log } from '../../server/log/log.ts'

export class Losses {
  readonly #log: Log
  readonly #losers = new Set<string>()
  /** What is being written together has one promise; so one look at it is enough for all. */
  #writing: { readonly stored: Promise<void>; readonly owners: Set<string> } | undefined

  constructor(log: Log) {
    this.#log = log
  }

  watch(owner: string, stored: Promise<void>): void {
    if (this.#writing?.stored === stored) {
      this.#writing.owners.add(owner)
      return
    }
    const owners = new Set([owner])
    this.#writing = { stored, owners }
    stored.catch((error: unknown) => {
      this.#log.error('messages were not archived', { count: owners.size, error })
      for (const each of owners) if (this.#losers.size < MOST_LOSERS) this.#losers.add(each)
    })
  }

  /** Whether something of that owner was lost since this was asked last. */
  take(owner: string): boolean {
    return this.#losers.delete(owner)
  }
}

const MOST_LOSERS = 10_000
