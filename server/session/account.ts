/** The accounts of a host that have sessions just now, and who gets a message to the bare JID. */
import type { Jid } from '../jid/jid.ts'
import type { ClientSession } from './client-session.ts'
import type { SlotBearer } from './slots.ts'

export class Account implements SlotBearer {
  readonly jid: Jid
  readonly slots: unknown[] = []
  /** How many need it just now, whether it has sessions or not. */
  holds = 0
  readonly #sessions = new Map<string, ClientSession>()
  #receptive: readonly ClientSession[] | undefined
  #available: readonly ClientSession[] | undefined

  constructor(jid: Jid) {
    this.jid = jid
  }

  get size(): number {
    return this.#sessions.size
  }

  session(resource: string): ClientSession | undefined {
    return this.#sessions.get(resource)
  }

  /** Every session, also those that have not sent presence. */
  get sessions(): Iterable<ClientSession> {
    return this.#sessions.values()
  }

  /** The sessions that have sent available presence, whatever their priority ("available resources", RFC 6121 §8.5). */
  get available(): readonly ClientSession[] {
    this.#available ??= [...this.#sessions.values()].filter((session) => session.presence !== undefined)
    return this.#available
  }

  /** The sessions a message to the bare JID may go to: available with a non-negative priority (RFC 6121 §8.5.2.1). */
  get receptive(): readonly ClientSession[] {
    this.#receptive ??= this.available.filter((session) => session.priority >= 0)
    return this.#receptive
  }

  /**
   * Those that a message of that type to the bare JID goes to: a headline to every receptive one, anything else to
   * those of the highest priority (RFC 6121 §8.5.2.1.1).
   */
  recipients(type: string | undefined): readonly ClientSession[] {
    const { receptive } = this
    if (type === 'headline' || receptive.length < 2) return receptive
    const highest = Math.max(...receptive.map(({ priority }) => priority))
    return receptive.filter(({ priority }) => priority === highest)
  }

  add(session: ClientSession): void {
    this.#sessions.set(session.resource, session)
    this.changed()
  }

  /** Removes exactly this session: another one may have taken over its resource. */
  remove(session: ClientSession): void {
    if (this.#sessions.get(session.resource) === session) this.#sessions.delete(session.resource)
    this.changed()
  }

  /** A session has come, gone, or changed its presence. */
  changed(): void {
    this.#receptive = undefined
    this.#available = undefined
  }
}

/** Accounts with sessions, by bare JID. */
export class Directory {
  readonly #accounts = new Map<string, Account>()

  account(bare: string): Account | undefined {
    return this.#accounts.get(bare)
  }

  get accounts(): Iterable<Account> {
    return this.#accounts.values()
  }

  /** The account with that bare JID, made if it has no session yet; it stays the same one until that is disposed. */
  hold(jid: Jid): HeldAccount {
    const account = this.#accounts.get(jid.bare) ?? new Account(jid.toBare())
    this.#accounts.set(account.jid.bare, account)
    account.holds++
    return {
      account,
      [Symbol.dispose]: () => {
        account.holds--
        this.release(account)
      },
    }
  }

  /** Forgets an account without sessions, unless it is held. */
  release(account: Account): void {
    if (account.size === 0 && account.holds === 0) this.#accounts.delete(account.jid.bare)
  }
}

export interface HeldAccount extends Disposable {
  readonly account: Account
}
