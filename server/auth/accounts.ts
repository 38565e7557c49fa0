/** The accounts of a host: who has one, what proves it, what they may. */
import type { Maybe } from '../util/maybe.ts'
import type { StoredCredentials, StoredKeys } from './credentials.ts'
import type { HashName } from './digest.ts'

/** Who somebody is to the host: an admin may give the commands of the host. */
export type AccountRole = 'user' | 'admin'

/** What is stored of an account. */
export interface StoredAccount {
  readonly credentials: StoredCredentials
  readonly role: AccountRole
  /** May not log in. */
  readonly disabled?: boolean
  /** Milliseconds since 1970. */
  readonly createdAt: number
}

/** Where accounts come from. `node` is always prepared (RFC 7622 §3.3). */
export interface Accounts {
  /** True if nobody has a password: clients log in with ANONYMOUS and are somebody else each time (XEP-0175). */
  readonly anonymous: boolean
  /** True if passwords can be set and accounts made and removed here. */
  readonly writable: boolean
  get(node: string): Maybe<StoredAccount | undefined>
  exists(node: string): Maybe<boolean>
  /** Rejects with AccountError if there is one already, and with MalformedPassword. */
  create(node: string, password: string, role?: AccountRole): Promise<void>
  /** The same with keys that were made elsewhere, or none: then its owner logs in without a password. */
  createWith(node: string, credentials: StoredCredentials, role?: AccountRole): Promise<void>
  setPassword(node: string, password: string): Promise<void>
  /** Adds keys for another hash to a password; false, and nothing is done, if that is not the account's any more. */
  addKeys(node: string, hash: HashName, keys: StoredKeys, password: StoredCredentials): Promise<boolean>
  /**
   * For which hashes there are keys, if not for all: of that account, or of every account that has a password at all.
   * Undefined means all. At once, since streams are told of it.
   */
  hashesOf(node: string | undefined): readonly HashName[] | undefined
  update(node: string, change: Partial<Pick<StoredAccount, 'role' | 'disabled'>>): Promise<void>
  /**
   * Ends its sessions and deletes everything that was kept for it. What is to be said to them before that is said in
   * `beforeClosing`, when the account is gone for good.
   */
  remove(node: string, beforeClosing?: () => Maybe<void>): Promise<void>
  /** The nodes of all accounts, in no order. */
  list(): AsyncIterable<string>
}

/** Why nothing was done to an account, in words for whoever asked. */
export class AccountError extends Error {
  override readonly name = 'AccountError'
  /** `refused`: the text may be told to whoever wanted the account. */
  readonly reason: 'exists' | 'missing' | 'refused' | 'unsupported'

  constructor(reason: AccountError['reason'], text: string) {
    super(text)
    this.reason = reason
  }
}
