/** Stores of one value per owner, on top of the texts of a driver. */
import type { CacheSection, Sized } from './cache.ts'
import type { ValueTable } from './driver.ts'
import { fromJson, toJson } from './json.ts'
import type { KeyvalStore, Owner } from './store.ts'

/** A keyval store keeps its value under the empty key. */
const KEY = ''

export class CachedKeyval<T> implements KeyvalStore<T> {
  readonly #table: ValueTable
  readonly #cache: CacheSection<T | undefined>

  constructor(table: ValueTable, cache: CacheSection<T | undefined>) {
    this.#table = table
    this.#cache = cache
  }

  get(owner: Owner): Promise<T | undefined> {
    return this.#cache.get(owner, () => this.#load(owner))
  }

  async set(owner: Owner, value: T | undefined): Promise<void> {
    const text = toJson(value)
    const written = this.#table.put(owner, [[KEY, text]])
    this.#cache.put(owner, { value, chars: text?.length ?? 0 }, written)
    return written
  }

  owners(): AsyncIterable<Owner> {
    return this.#table.owners()
  }

  async #load(owner: Owner): Promise<Sized<T | undefined>> {
    const text = await this.#table.get(owner, KEY)
    if (text === undefined) return { value: undefined, chars: 0 }
    // Only this store writes to its table, and it writes values of type T.
    return { value: fromJson(text) as T, chars: text.length }
  }
}
