/** What was read lately, before keyval and map stores: bounded, written through, one load per key however many ask. */
import { LRUCache } from 'lru-cache'

/** A value, and how much of the cache it takes: the characters of its JSON. */
export interface Sized<V> {
  readonly value: V
  readonly chars: number
}

/** The cache of all stores. Absent values are remembered too. */
export class Cache {
  readonly #entries: LRUCache<string, Promise<Sized<unknown>>>

  /** `chars` bounds the JSON of all that is kept; as objects it takes about three bytes of memory a character. */
  constructor(chars: number) {
    this.#entries = new LRUCache({ maxSize: chars })
  }

  /** The part for one store, all of whose values are of one type. */
  section<V>(name: string): CacheSection<V> {
    // The names of sections differ, and only a section puts values under its name.
    return new CacheSection(name, this.#entries as LRUCache<string, Promise<Sized<V>>>)
  }
}

/** The part of the cache that belongs to one store. */
export class CacheSection<V> {
  readonly #name: string
  readonly #entries: LRUCache<string, Promise<Sized<V>>>

  constructor(name: string, entries: LRUCache<string, Promise<Sized<V>>>) {
    this.#name = name
    this.#entries = entries
  }

  async get(owner: string, load: () => Promise<Sized<V>>): Promise<V> {
    const key = this.#key(owner)
    const { value } = await (this.#entries.get(key) ?? this.#begin(key, load()))
    return value
  }

  /** Puts a value there, which is being written. If that fails it is forgotten, and the next who asks loads. */
  put(owner: string, sized: Sized<V>, written: Promise<void>): void {
    const key = this.#key(owner)
    this.#keep(key, Promise.resolve(sized), sized.chars)
    this.#forgetIfLost(key, written)
  }

  /** Changes a value that is there or on its way; does nothing about one that would have to be loaded. */
  change(owner: string, apply: (before: Sized<V>) => Sized<V>, written: Promise<void>): void {
    const key = this.#key(owner)
    const before = this.#entries.get(key)
    if (before !== undefined) void this.#begin(key, before.then(apply))
    this.#forgetIfLost(key, written)
  }

  drop(owner: string): void {
    this.#entries.delete(this.#key(owner))
  }

  #key(owner: string): string {
    return this.#name + owner
  }

  /** Keeps what is on its way, whose size is known only when it has come. */
  #begin(key: string, coming: Promise<Sized<V>>): Promise<Sized<V>> {
    this.#keep(key, coming, 0)
    const isCurrent = (): boolean => this.#entries.peek(key) === coming
    coming.then(
      (sized) => {
        if (isCurrent()) this.#keep(key, Promise.resolve(sized), sized.chars)
      },
      // Whoever waits for it is told; the next one tries again.
      () => {
        if (isCurrent()) this.#entries.delete(key)
      },
    )
    return coming
  }

  #keep(key: string, entry: Promise<Sized<V>>, chars: number): void {
    this.#entries.set(key, entry, { size: chars + key.length + ENTRY_CHARS })
  }

  /** Later changes may build on the one that was lost, so whatever is there now is in doubt. */
  #forgetIfLost(key: string, written: Promise<void>): void {
    written.catch(() => this.#entries.delete(key))
  }
}

/** What an entry takes besides its key and value, so that many absent values fill the cache too. */
const ENTRY_CHARS = 64
