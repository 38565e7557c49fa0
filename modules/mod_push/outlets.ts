/** The push services that the accounts of a host have enabled. */
import { LRUCache } from 'lru-cache'
import type { MapStore } from '../../storage/store.ts'
import type { News } from './news.ts'
import { Outlet, type OutletLimits, type OutletWorld } from './outlet.ts'
import { keyOf, type Registration } from './registration.ts'

/** Accounts whose services are kept in mind. */
const MOST_ACCOUNTS = 10_000
/** Names of what an account was told last, so that no copy of it is told again. */
const NAMES = 100
/** A client enables its service whenever it connects: that is noted so often. */
const NOTED_EVERY_MILLISECONDS = 86_400_000

/** Those of one account, by their keys. */
export class Outlets {
  readonly #outlets = new Map<string, Outlet>()
  /** What each has been told of, by name. */
  readonly #told = new Set<string>()

  get size(): number {
    return this.#outlets.size
  }

  [Symbol.iterator](): Iterator<Outlet> {
    return this.#outlets.values()
  }

  get(key: string): Outlet | undefined {
    return this.#outlets.get(key)
  }

  put(key: string, outlet: Outlet): void {
    this.#outlets.get(key)?.end()
    this.#outlets.set(key, outlet)
  }

  remove(key: string): void {
    this.#outlets.get(key)?.end()
    this.#outlets.delete(key)
  }

  /** Tells one of them, unless it has been told of that already. */
  tell(outlet: Outlet, news: News): void {
    const { name } = news
    if (name !== undefined && !this.#isNew(`${keyOf(outlet.registration)}\n${name}`)) return
    outlet.add(news)
  }

  end(): void {
    for (const outlet of this) outlet.end()
  }

  #isNew(name: string): boolean {
    if (this.#told.has(name)) return false
    this.#told.add(name)
    const [oldest] = this.#told
    if (this.#told.size > NAMES && oldest !== undefined) this.#told.delete(oldest)
    return true
  }
}

export class AllOutlets {
  readonly #store: MapStore<Registration>
  readonly #world: Omit<OutletWorld, 'revoke'>
  readonly #limits: OutletLimits & { readonly services: number }
  readonly #revoked: (node: string, registration: Registration) => void
  readonly #known: LRUCache<string, Outlets>
  readonly #loading = new Map<string, Promise<Outlets>>()

  /** `revoked` is told of services that have refused for good. */
  constructor(
    store: MapStore<Registration>,
    world: Omit<OutletWorld, 'revoke'>,
    limits: OutletLimits & { readonly services: number },
    revoked: (node: string, registration: Registration) => void,
  ) {
    this.#store = store
    this.#world = world
    this.#limits = limits
    this.#revoked = revoked
    this.#known = new LRUCache({ max: MOST_ACCOUNTS })
  }

  /** Those of an account, if they are at hand. */
  known(node: string): Outlets | undefined {
    return this.#known.get(node)
  }

  async of(node: string): Promise<Outlets> {
    const known = this.#known.get(node) ?? this.#loading.get(node)
    if (known !== undefined) return known
    const loading = this.#load(node).finally(() => this.#loading.delete(node))
    this.#loading.set(node, loading)
    return loading
  }

  /** Accounts that have any. */
  owners(): AsyncIterable<string> {
    return this.#store.owners()
  }

  /** Resolves when it is durable. Of too many the one goes that was enabled longest ago. */
  async enable(node: string, registration: Registration): Promise<void> {
    const outlets = await this.of(node)
    const key = keyOf(registration)
    const former = outlets.get(key)?.registration
    if (former !== undefined && isSame(former, registration)) {
      outlets.get(key)?.seen()
      return
    }
    outlets.put(key, this.#outlet(node, outlets, registration))
    const changes: [string, Registration | undefined][] = [[key, registration]]
    while (outlets.size > this.#limits.services) {
      const oldest = keyOf([...outlets].map((outlet) => outlet.registration).reduce(older))
      outlets.remove(oldest)
      changes.push([oldest, undefined])
    }
    await this.#store.setMany(node, changes)
  }

  /** Those of a service, or of one of its nodes, or all; gives how many they were. */
  async disable(node: string, jid: string | undefined, serviceNode?: string): Promise<number> {
    const outlets = await this.of(node)
    const meant = [...outlets]
      .map(({ registration }) => registration)
      .filter((one) => (jid ?? one.jid) === one.jid && (serviceNode ?? one.node ?? '') === (one.node ?? ''))
    const keys = meant.map(keyOf)
    for (const key of keys) outlets.remove(key)
    if (keys.length > 0)
      await this.#store.setMany(
        node,
        keys.map((key) => [key, undefined] as const),
      )
    return keys.length
  }

  /** The account is gone. */
  forget(node: string): void {
    this.#known.get(node)?.end()
    this.#known.delete(node)
  }

  end(): void {
    for (const outlets of this.#known.values()) outlets.end()
  }

  async #load(node: string): Promise<Outlets> {
    const outlets = new Outlets()
    for (const [key, registration] of await this.#store.all(node)) {
      outlets.put(key, this.#outlet(node, outlets, registration))
    }
    this.#known.set(node, outlets)
    return outlets
  }

  #outlet(node: string, outlets: Outlets, registration: Registration): Outlet {
    return new Outlet(
      registration,
      { ...this.#world, revoke: (outlet) => this.#revoke(node, outlets, outlet) },
      this.#limits,
    )
  }

  /** Unless the client has enabled it anew since it was told. */
  async #revoke(node: string, outlets: Outlets, outlet: Outlet): Promise<void> {
    const { registration } = outlet
    const key = keyOf(registration)
    if (outlets.get(key) !== outlet) return
    outlets.remove(key)
    this.#revoked(node, registration)
    await this.#store.set(node, key, undefined)
  }
}

function older(one: Registration, other: Registration): Registration {
  return one.enabledAt <= other.enabledAt ? one : other
}

function isSame({ enabledAt, ...former }: Registration, { enabledAt: now, ...registration }: Registration): boolean {
  return now - enabledAt < NOTED_EVERY_MILLISECONDS && JSON.stringify(former) === JSON.stringify(registration)
}
