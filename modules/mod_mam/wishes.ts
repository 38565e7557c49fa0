/** What the accounts of a host want archived: at hand for those with sessions, in storage for all. */
import type { ModuleHost } from '../../server/host/host.ts'
import type { Jid } from '../../server/jid/jid.ts'
import type { Account } from '../../server/session/account.ts'
import { isPending, type Maybe } from '../../server/util/maybe.ts'
import type { KeyvalStore } from '../../storage/store.ts'
import { type Policy, Preferences, type StoredPreferences } from './preferences.ts'

export class Wishes {
  readonly #host: ModuleHost<'accounts' | 'roster'>
  readonly #store: KeyvalStore<StoredPreferences>
  readonly #usual: Preferences
  readonly #held: (account: Account) => { preferences: Preferences | undefined }

  /** `usual` holds for whoever has not said anything. */
  constructor(host: ModuleHost<'accounts' | 'roster'>, store: KeyvalStore<StoredPreferences>, usual: Policy) {
    this.#host = host
    this.#store = store
    this.#usual = new Preferences({ default: usual, always: [], never: [] })
    this.#held = host.accountSlot('preferences', () => ({ preferences: undefined }))
    host.on('session/binding', async ({ account }) => {
      await this.of(account)
    })
    host.on('message/expected', ({ from, to }) =>
      host.account(to.bare) === undefined ? this.ofNode(to.node ?? '', from).then(() => undefined) : undefined,
    )
  }

  /** At once if the account's session was bound while we were there. */
  of(account: Account): Maybe<Preferences> {
    return this.#held(account).preferences ?? this.#hold(account)
  }

  /** In force at once; the promise resolves when they are durable. */
  async change(account: Account, stored: StoredPreferences): Promise<void> {
    this.#held(account).preferences = new Preferences(stored)
    await this.#store.set(account.jid.node ?? '', stored)
  }

  /** Whether a message between an account with sessions and a peer is archived. */
  ofAccount(account: Account, peer: Jid): Maybe<boolean> {
    const preferences = this.of(account)
    const { node } = account.jid
    if (isPending(preferences)) return preferences.then((loaded) => this.#apply(loaded.for(peer), node, peer))
    return this.#apply(preferences.for(peer), node, peer)
  }

  /** The same for an account that has no sessions, and perhaps does not exist. */
  async ofNode(node: string, peer: Jid): Promise<boolean> {
    if (!(await this.#host.service('accounts').exists(node))) return false
    return this.#apply((await this.#load(node)).for(peer), node, peer)
  }

  #apply(policy: Policy, node: string | undefined, { bare }: Jid): Maybe<boolean> {
    if (policy !== 'roster') return policy === 'always'
    const roster = this.#host.service('roster').of(node ?? '')
    return isPending(roster) ? roster.then(({ items }) => items.has(bare)) : roster.items.has(bare)
  }

  async #hold(account: Account): Promise<Preferences> {
    const loaded = await this.#load(account.jid.node ?? '')
    // In the meantime they may have been changed by another client.
    return (this.#held(account).preferences ??= loaded)
  }

  async #load(node: string): Promise<Preferences> {
    const stored = await this.#store.get(node)
    return stored === undefined ? this.#usual : new Preferences(stored)
  }
}
