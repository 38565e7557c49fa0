/** Stores of many values per owner, on top of the texts of a driver. */
import type { CacheSection, Sized } from './cache.ts'
import type { ValueEntry, ValueTable } from './driver.ts'
import { fromJson, toJson } from './json.ts'
import type { MapStore, Owner } from './store.ts'

/** The cache holds all values of an owner together: whoever needs one contact soon needs the others. */
export class CachedMap<T> implements MapStore<T> {
  readonly #table: ValueTable
  readonly #cache: CacheSection<ReadonlyMap<string, T>>

  constructor(table: ValueTable, cache: CacheSection<ReadonlyMap<string, T>>) {
    this.#table = table
    this.#cache = cache
  }

  async get(owner: Owner, key: string): Promise<T | undefined> {
    return (await this.all(owner)).get(key)
  }

  all(owner: Owner): Promise<ReadonlyMap<string, T>> {
    return this.#cache.get(owner, () => this.#load(owner))
  }

  set(owner: Owner, key: string, value: T | undefined): Promise<void> {
    return this.setMany(owner, [[key, value]])
  }

  async setMany(owner: Owner, entries: Iterable<readonly [key: string, value: T | undefined]>): Promise<void> {
    const changes = [...entries]
    const texts = changes.map(([key, value]): ValueEntry => [key, toJson(value)])
    const written = this.#table.put(owner, texts)
    this.#cache.change(owner, (before) => changed(before, changes, charsOf(texts)), written)
    return written
  }

  async clear(owner: Owner): Promise<void> {
    const written = this.#table.clear(owner)
    this.#cache.put(owner, { value: new Map<string, never>(), chars: 0 }, written)
    return written
  }

  owners(): AsyncIterable<Owner> {
    return this.#table.owners()
  }

  async #load(owner: Owner): Promise<Sized<ReadonlyMap<string, T>>> {
    const texts = await this.#table.all(owner)
    if (texts.size === 0) return NOTHING
    const value = new Map<string, T>()
    // Only this store writes to its table, and it writes values of type T.
    for (const [key, text] of texts) value.set(key, fromJson(text) as T)
    return { value, chars: charsOf(texts) }
  }
}

/** What most accounts have in most stores: one map for all of them. */
const NOTHING: Sized<ReadonlyMap<string, never>> = { value: new Map<string, never>(), chars: 0 }

/** A new map, since the old one has been handed out. What is replaced stays counted until the map is loaded anew. */
function changed<T>(
  before: Sized<ReadonlyMap<string, T>>,
  entries: readonly (readonly [string, T | undefined])[],
  chars: number,
): Sized<ReadonlyMap<string, T>> {
  const value = new Map(before.value)
  for (const [key, entry] of entries) {
    if (entry === undefined) value.delete(key)
    else value.set(key, entry)
  }
  return { value, chars: before.chars + chars }
}

function charsOf(texts: Iterable<ValueEntry>): number {
  let chars = 0
  for (const [key, text] of texts) chars += key.length + (text?.length ?? 0)
  return chars
}
