/** Passwords that lack the keys for some hash, as those that were imported from elsewhere do. */
import type { KeyvalStore } from '../../storage/store.ts'
import { HASHES, hashesIn, type StoredCredentials } from './credentials.ts'
import type { HashName } from './digest.ts'

export class PartialPasswords {
  readonly #store: KeyvalStore<readonly HashName[]>
  readonly #hashes = new Map<string, readonly HashName[]>()
  /** What there is for all of them. */
  #common: readonly HashName[] | undefined

  private constructor(store: KeyvalStore<readonly HashName[]>) {
    this.#store = store
  }

  /** Reads them all, since streams are told at once. */
  static async load(store: KeyvalStore<readonly HashName[]>): Promise<PartialPasswords> {
    const loaded = new PartialPasswords(store)
    for await (const node of store.owners()) {
      const hashes = await store.get(node)
      if (hashes !== undefined) loaded.#hashes.set(node, hashes)
    }
    loaded.#intersect()
    return loaded
  }

  /** See `Accounts.hashesOf`. */
  hashesOf(node: string | undefined): readonly HashName[] | undefined {
    return node === undefined ? this.#common : this.#hashes.get(node)
  }

  /** Notes what an account has now; nothing if it is gone. */
  async note(node: string, credentials: StoredCredentials = {}): Promise<void> {
    const hashes = hashesIn(credentials)
    const isPartial = hashes.length > 0 && hashes.length < HASHES.length
    if (!isPartial && !this.#hashes.has(node)) return
    if (isPartial) this.#hashes.set(node, hashes)
    else this.#hashes.delete(node)
    this.#intersect()
    await this.#store.set(node, isPartial ? hashes : undefined)
  }

  #intersect(): void {
    const common = HASHES.filter((hash) => [...this.#hashes.values()].every((hashes) => hashes.includes(hash)))
    // If there is nothing that would do for everybody, something has to be offered all the same.
    this.#common = common.length === HASHES.length || common.length === 0 ? undefined : common
  }
}
