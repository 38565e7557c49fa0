/** The storage of a server: opens the stores that modules declare, with the drivers that its admin has chosen. */
import type { Log } from '../server/log/log.ts'
import type { Clock } from '../server/util/clock.ts'
import { Cache } from './cache.ts'
import type { Driver } from './driver.ts'
import { CachedKeyval } from './keyval.ts'
import { CachedMap } from './map.ts'
import type { Opened, Owner, StoreKind, StoreSpec, StoreSpecs } from './store.ts'
import { StorageError } from './storage-error.ts'

export type DriverName = 'memory' | 'sqlite' | 'postgres'

export interface StorageOptions {
  readonly driver: DriverName
  /** Stores that are kept elsewhere, by their names. */
  readonly stores?: Readonly<Record<string, DriverName>> | undefined
  /** The file of `sqlite`. */
  readonly path?: string | undefined
  /** Where `postgres` is: `postgresql://user:password@host/database`. */
  readonly url?: string | undefined
  /** The bound of the cache, in characters of JSON. */
  readonly cacheChars?: number | undefined
  /** The code of sqlite/worker.ts, if it is not beside this file: the script itself in a single executable. */
  readonly workerSource?: URL | string | undefined
}

/** What the storage gets from the server. */
export interface StorageGiven {
  readonly clock: Pick<Clock, 'now' | 'after'>
  readonly log?: Log | undefined
}

export class Storage {
  readonly #default: DriverName
  readonly #elsewhere: ReadonlyMap<string, DriverName>
  readonly #drivers: ReadonlyMap<DriverName, Driver>
  readonly #cache: Cache
  /** By host, then by name of the store. */
  readonly #opened = new Map<string, Map<string, OpenStore>>()

  /**
   * Opens every database that is in use and brings its tables up to date.
   * Throws a StorageError if one cannot be reached, or is newer than this code.
   */
  static async start(options: StorageOptions, given: StorageGiven): Promise<Storage> {
    const drivers = new Map<DriverName, Driver>()
    try {
      for (const name of new Set([options.driver, ...Object.values(options.stores ?? {})])) {
        drivers.set(name, await openDriver[name](options, given))
      }
    } catch (error) {
      for (const driver of drivers.values()) await driver.close()
      throw error
    }
    return new Storage(options, drivers)
  }

  /** Everything with a driver that is open. */
  static on(driver: Driver): Storage {
    return new Storage({ driver: 'memory' }, new Map([['memory', driver]]))
  }

  private constructor(
    options: Pick<StorageOptions, 'driver' | 'stores' | 'cacheChars'>,
    drivers: ReadonlyMap<DriverName, Driver>,
  ) {
    this.#default = options.driver
    this.#elsewhere = new Map(Object.entries(options.stores ?? {}))
    this.#drivers = drivers
    this.#cache = new Cache(options.cacheChars ?? CACHE_CHARS)
  }

  /** Opens what a module has declared. Modules that name the same store share it, and must agree on its kind. */
  async open<S extends StoreSpecs>(host: string, specs: S): Promise<Opened<S>> {
    const opening = Object.entries(specs).map(async ([key, spec]) => [key, await this.#openOne(host, spec)] as const)
    // Each is of the kind that was declared, and the functions that declare stores tie the types to the kinds.
    return Object.fromEntries(await Promise.all(opening)) as Opened<S>
  }

  /** Deletes everything that the owner has in any store of the host. */
  async purge(host: string, owner: Owner): Promise<void> {
    const purged = [...this.#drivers.values()].map((driver) => driver.purge(host, owner))
    // The drivers have been called: who reads from now on, reads what is left.
    for (const { cache } of this.#opened.get(host)?.values() ?? []) cache?.drop(owner)
    await Promise.all(purged)
  }

  /** Resolves when everything archived so far is in the indexes of words. */
  async indexed(): Promise<void> {
    for (const driver of this.#drivers.values()) await driver.indexed()
  }

  /** Writes what waits to be written, and lets go of the databases. */
  async close(): Promise<void> {
    await Promise.all([...this.#drivers.values()].map((driver) => driver.close()))
  }

  async #openOne(host: string, { kind, name, textOf }: StoreSpec<unknown>): Promise<unknown> {
    const stores = this.#opened.get(host) ?? new Map<string, OpenStore>()
    this.#opened.set(host, stores)
    const known = stores.get(name)
    if (known !== undefined && known.kind !== kind) {
      throw new Error(`the store ${name} is declared both as ${known.kind} and as ${kind}`)
    }
    const opened = known ?? { kind, ...(await this.#make(host, { kind, name, textOf })) }
    // Another may have been quicker.
    const kept = stores.get(name) ?? opened
    stores.set(name, kept)
    return kept.store
  }

  async #make(host: string, { kind, name, textOf }: StoreSpec<unknown>): Promise<Omit<OpenStore, 'kind'>> {
    const driver = this.#driverOf(name)
    if (kind === 'archive') return { store: await driver.archive(host, name, textOf), cache: undefined }
    const table = await driver.values(host, name)
    const prefix = `${host}\0${name}\0`
    if (kind === 'keyval') {
      const cache = this.#cache.section<unknown>(prefix)
      return { store: new CachedKeyval(table, cache), cache }
    }
    const cache = this.#cache.section<ReadonlyMap<string, unknown>>(prefix)
    return { store: new CachedMap(table, cache), cache }
  }

  #driverOf(store: string): Driver {
    const name = this.#elsewhere.get(store) ?? this.#default
    const driver = this.#drivers.get(name)
    if (driver === undefined) throw new Error(`the storage driver ${name} has not been opened`)
    return driver
  }
}

interface OpenStore {
  readonly kind: StoreKind
  readonly store: unknown
  readonly cache: { drop(owner: Owner): void } | undefined
}

type OpenDriver = (options: StorageOptions, given: StorageGiven) => Promise<Driver>

/** Drivers are loaded when they are used, since a server rarely uses more than one. */
const openDriver: Readonly<Record<DriverName, OpenDriver>> = {
  async memory(_options, { clock }) {
    const { MemoryDriver } = await import('./memory/memory-driver.ts')
    return new MemoryDriver(clock)
  },
  async sqlite({ path, workerSource }, given) {
    if (path === undefined) throw new StorageError('invalid', 'storage in SQLite needs the path of a file')
    const { SqliteDatabase } = await import('./sqlite/sqlite-database.ts')
    const { SqlDriver } = await import('./sql/sql-driver.ts')
    const code = workerSource ?? new URL('./sqlite/worker.ts', import.meta.url)
    return SqlDriver.open(new SqliteDatabase({ path, workerSource: code }), given)
  },
  async postgres({ url }, given) {
    if (url === undefined) throw new StorageError('invalid', 'storage in PostgreSQL needs the URL of a database')
    const { PostgresDatabase } = await import('./postgres/postgres-database.ts')
    const { SqlDriver } = await import('./sql/sql-driver.ts')
    return SqlDriver.open(new PostgresDatabase({ url, log: given.log }), given)
  },
}

const CACHE_CHARS = 32 * 1024 * 1024
