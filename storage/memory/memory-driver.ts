/** Stores that are gone when the process ends: for tests, and for hosts that are to keep nothing. */
import type { Clock } from '../../server/util/clock.ts'
import { ArchiveIds } from '../archive-id.ts'
import type { Driver, ValueEntry, ValueTable } from '../driver.ts'
import { checkKey, checkOwner, checkText } from '../limits.ts'
import type { ArchiveStore, Owner, TextOf } from '../store.ts'
import { MemoryArchive } from './memory-archive.ts'

export class MemoryDriver implements Driver {
  readonly #ids: ArchiveIds
  readonly #hosts = new Map<string, HostStores>()

  constructor(clock: Pick<Clock, 'now'>) {
    this.#ids = new ArchiveIds(clock, 0)
  }

  async values(host: string, store: string): Promise<ValueTable> {
    return opened(this.#stores(host).values, store, () => new MemoryValues())
  }

  async archive(host: string, store: string, textOf?: TextOf): Promise<ArchiveStore> {
    const archive = opened(this.#stores(host).archives, store, () => new MemoryArchive(this.#ids))
    archive.textOf ??= textOf
    return archive
  }

  async indexed(): Promise<void> {
    // Whoever searches reads it all.
  }

  async purge(host: string, owner: Owner): Promise<void> {
    const { values, archives } = this.#stores(host)
    const stores = [...values.values(), ...archives.values()]
    for (const store of stores) store.forget(owner)
  }

  async close(): Promise<void> {
    this.#hosts.clear()
  }

  #stores(host: string): HostStores {
    return opened(this.#hosts, host, () => ({ values: new Map(), archives: new Map() }))
  }
}

interface HostStores {
  readonly values: Map<string, MemoryValues>
  readonly archives: Map<string, MemoryArchive>
}

function opened<T>(things: Map<string, T>, name: string, make: () => T): T {
  const there = things.get(name)
  if (there !== undefined) return there
  const made = make()
  things.set(name, made)
  return made
}

class MemoryValues implements ValueTable {
  readonly #owners = new Map<Owner, Map<string, string>>()

  async get(owner: Owner, key: string): Promise<string | undefined> {
    return this.#owners.get(owner)?.get(key)
  }

  async all(owner: Owner): Promise<ReadonlyMap<string, string>> {
    return new Map(this.#owners.get(owner))
  }

  async put(owner: Owner, entries: readonly ValueEntry[]): Promise<void> {
    checkOwner(owner)
    for (const [key, text] of entries) {
      checkKey(key)
      checkText(text ?? '')
    }
    const texts = opened(this.#owners, owner, () => new Map<string, string>())
    for (const [key, text] of entries) {
      if (text === undefined) texts.delete(key)
      else texts.set(key, text)
    }
    if (texts.size === 0) this.#owners.delete(owner)
  }

  async clear(owner: Owner): Promise<void> {
    this.forget(owner)
  }

  forget(owner: Owner): void {
    this.#owners.delete(owner)
  }

  async *owners(): AsyncGenerator<Owner> {
    // Who asks may change things between two of them.
    const owners = [...this.#owners.keys()]
    yield* owners
  }
}
