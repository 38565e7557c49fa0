/** A storage whose disk is slow or full, or that is gone, as the spec wants it. */
import { setTimeout as pause } from 'node:timers/promises'
import { idText } from '../../storage/archive-id.ts'
import type { Driver, ValueEntry, ValueTable } from '../../storage/driver.ts'
import { MemoryDriver } from '../../storage/memory/memory-driver.ts'
import { StorageError } from '../../storage/storage-error.ts'
import type { Appended, ArchiveStore, NewArchiveItem, Owner, TextOf } from '../../storage/store.ts'
import { systemClock } from '../../server/util/clock.ts'

/**
 * - `slow`: what is written is durable after half a second
 * - `full`: can be read, and takes nothing
 * - `overloaded`: the same, for a moment
 * - `gone`: answers nothing
 */
export type Health = 'well' | 'slow' | 'full' | 'overloaded' | 'gone'

export const SLOW_MILLISECONDS = 500

const FAULTS = {
  full: new StorageError('failed', 'the database refused: disk is full'),
  overloaded: new StorageError('overloaded', 'too much is waiting to be stored'),
  gone: new StorageError('unavailable', 'the database cannot be reached'),
} as const

export class FaultyDriver implements Driver {
  health: Health = 'well'
  readonly #inner = new MemoryDriver(systemClock)

  async values(host: string, store: string): Promise<ValueTable> {
    const inner = await this.#inner.values(host, store)
    const write = <T>(run: () => Promise<T>): Promise<T> => this.#write(run)
    const read = <T>(run: () => Promise<T>): Promise<T> => this.#read(run)
    return {
      get: (owner, key) => read(() => inner.get(owner, key)),
      all: (owner) => read(() => inner.all(owner)),
      put: (owner: Owner, entries: readonly ValueEntry[]) => write(() => inner.put(owner, entries)),
      clear: (owner) => write(() => inner.clear(owner)),
      owners: () => inner.owners(),
    }
  }

  async archive(host: string, store: string, textOf?: TextOf): Promise<ArchiveStore> {
    const inner = await this.#inner.archive(host, store, textOf)
    const write = <T>(run: () => Promise<T>): Promise<T> => this.#write(run)
    const read = <T>(run: () => Promise<T>): Promise<T> => this.#read(run)
    return {
      append: (owner, item) => this.#append(inner, owner, item),
      find: (owner, query) => read(() => inner.find(owner, query)),
      count: (owner, filter) => read(() => inner.count(owner, filter)),
      get: (owner, id) => read(() => inner.get(owner, id)),
      has: (owner, id) => read(() => inner.has(owner, id)),
      replace: (owner, id, stanza) => write(() => inner.replace(owner, id, stanza)),
      remove: (owner, filter) => write(() => inner.remove(owner, filter)),
      trim: (owner, most) => write(() => inner.trim(owner, most)),
      size: (owner) => read(() => inner.size(owner)),
      owners: () => inner.owners(),
    }
  }

  indexed(): Promise<void> {
    return this.#inner.indexed()
  }

  purge(host: string, owner: Owner): Promise<void> {
    return this.#write(() => this.#inner.purge(host, owner))
  }

  close(): Promise<void> {
    return this.#inner.close()
  }

  #append(inner: ArchiveStore, owner: Owner, item: NewArchiveItem): Appended {
    const { health } = this
    if (health === 'well') return inner.append(owner, item)
    if (health !== 'slow') return { id: idText(0), stored: Promise.reject(FAULTS[health]) }
    const { id, stored } = inner.append(owner, item)
    return { id, stored: pause(SLOW_MILLISECONDS).then(() => stored) }
  }

  async #write<T>(run: () => Promise<T>): Promise<T> {
    const { health } = this
    if (health !== 'well' && health !== 'slow') throw FAULTS[health]
    const result = await run()
    if (health === 'slow') await pause(SLOW_MILLISECONDS)
    return result
  }

  async #read<T>(run: () => Promise<T>): Promise<T> {
    if (this.health === 'gone') throw FAULTS.gone
    return run()
  }
}
