/** The sessions that can be taken up again, and what is still known of those that are over (XEP-0198 §5). */
import { LRUCache } from 'lru-cache'
import type { Managed } from './managed.ts'

/** Sessions that are over, of which we can still say what they had handled. */
const REMEMBERED = 10_000

export class Resumables {
  readonly #sessions = new Map<string, Managed>()
  /** Those that wait for their client, and what ends that. */
  readonly #timers = new Map<Managed, { readonly timer: Disposable; readonly until: number }>()
  readonly #past = new LRUCache<string, { readonly bare: string; readonly h: string }>({ max: REMEMBERED })

  add(id: string, state: Managed): void {
    this.#sessions.set(id, state)
  }

  /** The session of that name, if it is one of this account: others do not learn that it is there. */
  find(id: string, bare: string): Managed | undefined {
    const state = this.#sessions.get(id)
    return state?.session.account.jid.bare === bare ? state : undefined
  }

  /** The `h` of a session of this account that is over. */
  pastH(id: string, bare: string): string | undefined {
    const past = this.#past.get(id)
    return past?.bare === bare ? past.h : undefined
  }

  /** Those that wait for their client. */
  get waiting(): Iterable<Managed> {
    return this.#timers.keys()
  }

  isWaiting(state: Managed): boolean {
    return this.#timers.has(state)
  }

  /** How long a session will go on waiting. */
  secondsLeft(state: Managed, now: number): number {
    const { until = now } = this.#timers.get(state) ?? {}
    return Math.max(0, until - now) / 1000
  }

  /** The session has no stream now; `timer` ends it, at that time in milliseconds of the clock. */
  wait(state: Managed, timer: Disposable, until: number): void {
    this.#timers.set(state, { timer, until })
  }

  woken(state: Managed): void {
    this.#timers.get(state)?.timer[Symbol.dispose]()
    this.#timers.delete(state)
  }

  /** The session is over. */
  end(state: Managed): void {
    this.woken(state)
    if (state.id === undefined || !this.#sessions.delete(state.id)) return
    this.#past.set(state.id, { bare: state.session.account.jid.bare, h: state.h })
  }
}
