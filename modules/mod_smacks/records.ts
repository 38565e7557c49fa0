/**
 * What is stored of sessions: how many stanzas of each have been handled, so that a client whose server was killed learns
 * which of its stanzas to send again (XEP-0198 §5), and, after a planned stop, all that a session is.
 */
import type { ModuleHost } from '../../server/host/host.ts'
import type { MapStore } from '../../storage/store.ts'
import type { Managed } from './managed.ts'

export interface SessionRecord {
  /** Stanzas of the client that have been handled. */
  readonly h: number
  /** Milliseconds since 1970. */
  readonly at: number
  /** After a planned stop. */
  readonly suspended?: SuspendedSession
}

export interface SuspendedSession {
  readonly resource: string
  /** How long it may be without a stream altogether, and from now on. */
  readonly resumeSeconds: number
  readonly leftSeconds: number
  /** Stanzas that the client has acknowledged, and those that follow. */
  readonly acked: number
  readonly queue: readonly { readonly xml: string; readonly ref?: string | undefined }[]
  /** The last available presence. */
  readonly presence?: string | undefined
  readonly priority: number
  /** What modules have added. */
  readonly facts: Readonly<Record<string, unknown>>
}

/** Of each account so many are kept, and for so long. */
const MOST = 10
const KEPT_MILLISECONDS = 7 * 86_400_000

export class Records {
  readonly #host: ModuleHost
  readonly #store: MapStore<SessionRecord>
  /** What is to be stored of sessions at the end of this piece of work. */
  readonly #fresh = new Map<Managed, number>()
  /** Sessions of which something is stored. */
  readonly #noted = new WeakSet<Managed>()

  constructor(host: ModuleHost, store: MapStore<SessionRecord>) {
    this.#host = host
    this.#store = store
    host.every('day', 'forget old sessions', async () => {
      for await (const node of store.owners()) await this.#prune(node)
    })
  }

  /**
   * So many have been handled as soon as what they have left in storage is there: it becomes durable together with it,
   * since it is given to the storage in the same turn; once for all stanzas that have come in one piece.
   */
  note(state: Managed, h: number): void {
    if (state.id === undefined) return
    if (this.#fresh.size === 0) queueMicrotask(() => this.#write())
    this.#fresh.set(state, h)
  }

  /** Nobody will ask for it any more. */
  forget(state: Managed): void {
    const { id } = state
    if (id === undefined || !this.#noted.has(state)) return
    this.#host.spawn('forget a session', () => this.#store.set(nodeOf(state), id, undefined))
  }

  async find(node: string, id: string): Promise<SessionRecord | undefined> {
    return this.#store.get(node, id)
  }

  async save(state: Managed, suspended: SuspendedSession): Promise<void> {
    const { id, handled } = state
    if (id !== undefined)
      await this.#store.set(nodeOf(state), id, { h: handled.count, at: this.#host.clock.now(), suspended })
  }

  /** Whatever happens from now on, it is not suspended. */
  async wake(state: Managed): Promise<void> {
    this.#noted.add(state)
    const { id, handled } = state
    if (id !== undefined) await this.#store.set(nodeOf(state), id, { h: handled.count, at: this.#host.clock.now() })
  }

  /** Those that were suspended, an account at a time. */
  async *suspended(): AsyncGenerator<{ readonly node: string; readonly records: ReadonlyMap<string, SessionRecord> }> {
    for await (const node of this.#store.owners()) {
      const records = [...(await this.#store.all(node))].filter(([, { suspended }]) => suspended !== undefined)
      if (records.length > 0) yield { node, records: new Map(records) }
    }
  }

  #write(): void {
    const at = this.#host.clock.now()
    for (const [state, h] of this.#fresh) {
      const node = nodeOf(state)
      // If that fails, so does what it belongs to, which is reported there.
      this.#store.set(node, state.id ?? '', { h, at }).catch(() => {})
      if (this.#noted.has(state)) continue
      this.#noted.add(state)
      this.#host.spawn('forget old sessions', () => this.#prune(node))
    }
    this.#fresh.clear()
  }

  async #prune(node: string): Promise<void> {
    const oldest = this.#host.clock.now() - KEPT_MILLISECONDS
    const newestFirst = [...(await this.#store.all(node))].toSorted(([, one], [, other]) => other.at - one.at)
    const old = newestFirst.filter(([, { at }], place) => place >= MOST || at < oldest)
    if (old.length > 0)
      await this.#store.setMany(
        node,
        old.map(([id]) => [id, undefined] as const),
      )
  }
}

function nodeOf({ session }: Managed): string {
  return session.jid.node ?? ''
}
