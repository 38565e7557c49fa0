/** What waits for the accounts of a host, in storage, and how much it is. */
import { LRUCache } from 'lru-cache'
import type { ModuleHost } from '../../server/host/host.ts'
import { Rarely } from '../../server/log/rarely.ts'
import type { Maybe } from '../../server/util/maybe.ts'
import type { ArchiveItem, ArchiveStore } from '../../storage/store.ts'

/** Accounts whose number of messages is at hand. */
const COUNTED = 10_000
/** Messages read from storage at once. */
const PAGE = 50

export interface Waiting {
  readonly id: string
  readonly stored: Promise<void>
}

export class Backlog {
  readonly #host: ModuleHost
  readonly #messages: ArchiveStore
  readonly #counts = new LRUCache<string, number>({ max: COUNTED })
  /** What goes at the end of this turn, by account. */
  readonly #leaving = new Map<string, string[]>()
  readonly #failures: Rarely
  /** What is written together has one promise: one look at it is enough for all. */
  #watched: Promise<void> | undefined

  constructor(host: ModuleHost, messages: ArchiveStore) {
    this.#host = host
    this.#messages = messages
    this.#failures = new Rarely(host.clock, (count, error) =>
      host.log.error('messages were not kept', { count, error }),
    )
  }

  /** How many messages wait; at once if that was asked before. */
  count(node: string): Maybe<number> {
    return this.#counts.get(node) ?? this.#load(node)
  }

  append(node: string, from: string, stanza: string): Waiting {
    const when = new Date(this.#host.clock.now())
    const { id, stored } = this.#messages.append(node, { when, with: from, stanza })
    this.#add(node, 1)
    if (this.#watched !== stored) {
      this.#watched = stored
      stored.catch((error: unknown) => {
        this.#counts.clear()
        this.#failures.failed(error)
      })
    }
    return { id, stored }
  }

  /** Takes messages away soon: those of one turn together. */
  remove(node: string, id: string): void {
    const leaving = this.#leaving.get(node)
    if (leaving !== undefined) {
      leaving.push(id)
      return
    }
    this.#leaving.set(node, [id])
    this.#host.spawn('forget messages', async () => {
      await Promise.resolve()
      const ids = this.#leaving.get(node) ?? []
      this.#leaving.delete(node)
      this.#add(node, -(await this.#messages.remove(node, { ids })))
    })
  }

  /** Removes what was kept before that. */
  async expire(end: Date): Promise<number> {
    const removed = await this.#messages.remove(undefined, { end })
    this.#counts.clear()
    return removed
  }

  /** Nothing is left of that account. */
  forget(node: string): void {
    this.#counts.delete(node)
  }

  /** In the order in which they came, a page at a time. */
  async *pages(node: string): AsyncGenerator<readonly ArchiveItem[]> {
    let after: string | undefined
    for (;;) {
      const page = await this.#messages.find(node, { after, limit: PAGE })
      yield page
      after = page.at(-1)?.id
      if (page.length < PAGE) return
    }
  }

  async #load(node: string): Promise<number> {
    const count = await this.#messages.count(node, {})
    this.#counts.set(node, count)
    return count
  }

  #add(node: string, more: number): void {
    const count = this.#counts.get(node)
    if (count !== undefined) this.#counts.set(node, count + more)
  }
}
