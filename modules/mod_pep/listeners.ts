/** XEP-0163 §4: the clients that want to hear of an account's nodes, and of which ones. */
import type { Jid } from '../../server/jid/jid.ts'
import type { Listener } from '../mod_pubsub/index.ts'

/** Clients of contacts that an account has at a time. */
const MOST_LISTENERS = 5000

const NOTHING: ReadonlySet<string> = new Set()

/** By account. Those who want nothing are not kept. */
export class Listeners {
  readonly #byAccount = new Map<string, Map<string, Listener>>()

  /** Of the account with that node. */
  of(account: string): Iterable<Listener> {
    return this.#byAccount.get(account)?.values() ?? []
  }

  get(account: string, { full }: Jid): Listener | undefined {
    return this.#byAccount.get(account)?.get(full)
  }

  /** Gives what the client wants now and has not wanted before. */
  set(account: string, jid: Jid, interests: ReadonlySet<string>): ReadonlySet<string> {
    const before = this.get(account, jid)?.interests ?? NOTHING
    if (interests.size === 0) {
      this.remove(account, jid)
      return NOTHING
    }
    const listeners = this.#byAccount.get(account) ?? new Map<string, Listener>()
    if (listeners.size >= MOST_LISTENERS && !listeners.has(jid.full)) return NOTHING
    this.#byAccount.set(account, listeners.set(jid.full, { jid, interests }))
    return before.size === 0 ? interests : interests.difference(before)
  }

  /** The client has gone; or, for a bare JID, all that were there. */
  remove(account: string, { full, resource }: Jid): void {
    const listeners = this.#byAccount.get(account)
    if (listeners === undefined) return
    listeners.delete(full)
    if (resource === undefined) {
      for (const [key, { jid }] of listeners) if (jid.bare === full) listeners.delete(key)
    }
    if (listeners.size === 0) this.#byAccount.delete(account)
  }

  /** The account has gone. */
  clear(account: string): void {
    this.#byAccount.delete(account)
  }
}
