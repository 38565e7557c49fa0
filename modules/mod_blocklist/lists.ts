/** The blocklists of a host: at hand for accounts with sessions, in storage for all. */
import type { ModuleHost } from '../../server/host/host.ts'
import type { Jid } from '../../server/jid/jid.ts'
import type { Account } from '../../server/session/account.ts'
import { isPending, type Maybe } from '../../server/util/maybe.ts'
import type { MapStore } from '../../storage/store.ts'
import type { Blocking, Blocklist } from './blocklist.ts'

/** By address: undefined is unblocked. */
export type Changes = ReadonlyMap<string, Blocking | undefined>

export class Blocklists {
  readonly #host: ModuleHost
  readonly #store: MapStore<Blocking>
  readonly #held: (account: Account) => { list: Blocklist | undefined }

  constructor(host: ModuleHost, store: MapStore<Blocking>) {
    this.#host = host
    this.#store = store
    this.#held = host.accountSlot('blocklist', () => ({ list: undefined }))
    host.on('session/binding', async ({ account }) => {
      await this.ofAccount(account)
    })
    host.on('message/expected', ({ to }) => {
      const list = this.of(to)
      return isPending(list) ? list.then(() => undefined) : undefined
    })
  }

  /** Of an account of this host, whether it has sessions or not: at once if it has. */
  of(jid: Jid): Maybe<Blocklist> {
    const account = this.#host.account(jid.bare)
    return account === undefined ? this.#store.all(jid.node ?? '') : this.ofAccount(account)
  }

  ofAccount(account: Account): Maybe<Blocklist> {
    return this.#held(account).list ?? this.#load(account)
  }

  /** Stores what is blocked, or unblocked (undefined); resolves when that is durable. It is not in force before `apply`. */
  store(account: Account, changes: Changes): Promise<void> {
    return this.#store.setMany(account.jid.node ?? '', changes)
  }

  /** Puts in force what was stored. */
  apply(account: Account, changes: Changes): void {
    const held = this.#held(account)
    const next = new Map(held.list)
    for (const [jid, blocking] of changes) {
      if (blocking === undefined) next.delete(jid)
      else next.set(jid, blocking)
    }
    // One that is not at hand is loaded from the storage, which has it already.
    if (held.list !== undefined) held.list = next
  }

  async #load(account: Account): Promise<Blocklist> {
    const list = await this.#store.all(account.jid.node ?? '')
    // In the meantime it may have been loaded for another client, and changed.
    return (this.#held(account).list ??= list)
  }
}
