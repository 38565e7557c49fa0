/** Owners and addresses have numbers, which is what the rows of archives hold; those in use are kept in memory. */
import { LRUCache } from 'lru-cache'
import type { Owner } from '../store.ts'
import { bulkSteps, insertAddresses, insertArchives } from './bulk.ts'
import type { ItemChange } from './change.ts'
import type { Database } from './database.ts'
import { sql } from './sql.ts'

/** One owner's archive in one store. */
export interface ArchiveEntry {
  readonly number: number
  /** By how many milliseconds more than usual the time of an item may differ from the time in its id. */
  skew: number
}

/** The numbers of what one item refers to. */
export interface Filing {
  readonly archive: ArchiveEntry
  readonly peer: number
}

export class Numbers {
  readonly #database: Database
  readonly #archives = new LRUCache<string, ArchiveEntry>({ max: KEPT })
  readonly #addresses = new LRUCache<string, number>({ max: KEPT })

  constructor(database: Database) {
    this.#database = database
  }

  /** An archive to read, or undefined if nothing was ever put there. */
  async archive(store: number, owner: Owner): Promise<ArchiveEntry | undefined> {
    const known = this.#archives.get(archiveKey(store, owner))
    // Found here it is not kept: it might be removed before we hear of it. Only the writer knows when that is.
    return known ?? (await this.#findArchives(store, [owner])).get(owner)
  }

  /** Where the items go. What has no number yet gets one. Only for the writer. */
  async filings(items: readonly ItemChange[]): Promise<ReadonlyMap<ItemChange, Filing>> {
    const archives = await this.#archivesOf(items)
    const peers = await this.#peersOf(items)
    return new Map(items.map((item, i) => [item, { archive: archives[i]!, peer: peers[i]! }]))
  }

  forgetArchives(): void {
    this.#archives.clear()
  }

  async #archivesOf(items: readonly ItemChange[]): Promise<readonly ArchiveEntry[]> {
    const keys = items.map(({ store, owner }) => archiveKey(store, owner))
    const entries = new Map<string, ArchiveEntry>()
    const missing = new Map<number, Set<Owner>>()
    for (const [i, { store, owner }] of items.entries()) {
      const known = this.#archives.get(keys[i]!)
      if (known !== undefined) entries.set(keys[i]!, known)
      else missing.set(store, (missing.get(store) ?? new Set()).add(owner))
    }
    for (const [store, owners] of missing) {
      for (const [owner, entry] of await this.#makeArchives(store, [...owners])) {
        entries.set(archiveKey(store, owner), entry)
        this.#archives.set(archiveKey(store, owner), entry)
      }
    }
    return keys.map((key) => found(entries, key))
  }

  async #peersOf(items: readonly ItemChange[]): Promise<readonly number[]> {
    const numbers = new Map<string, number>()
    const missing = new Set<string>()
    for (const { peer } of items) {
      const known = this.#addresses.get(peer)
      if (known !== undefined) numbers.set(peer, known)
      else missing.add(peer)
    }
    if (missing.size > 0) {
      for (const [jid, number] of await this.#makeAddresses([...missing])) {
        numbers.set(jid, number)
        this.#addresses.set(jid, number)
      }
    }
    return items.map(({ peer }) => found(numbers, peer))
  }

  async #makeArchives(store: number, owners: readonly Owner[]): Promise<ReadonlyMap<Owner, ArchiveEntry>> {
    const entries = await this.#findArchives(store, owners)
    const absent = owners.filter((owner) => !entries.has(owner))
    if (absent.length === 0) return entries
    const rows = absent.map((owner) => [store, owner])
    await this.#database.transaction(bulkSteps(insertArchives, rows))
    return new Map([...entries, ...(await this.#findArchives(store, absent))])
  }

  async #makeAddresses(jids: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const numbers = await this.#findAddresses(jids)
    const absent = jids.filter((jid) => !numbers.has(jid))
    if (absent.length === 0) return numbers
    const rows = absent.map((jid) => [jid])
    await this.#database.transaction(bulkSteps(insertAddresses, rows))
    return new Map([...numbers, ...(await this.#findAddresses(absent))])
  }

  async #findArchives(store: number, owners: readonly Owner[]): Promise<ReadonlyMap<Owner, ArchiveEntry>> {
    const rows = await this.#database.lookUp<{ owner: Owner; number: number; skew: number }>(sql`
      SELECT owner, number, skew FROM archive
      WHERE store = ${store} AND owner ${this.#database.dialect.isOneOf(owners, 'text')}`)
    return new Map(rows.map(({ owner, number, skew }) => [owner, { number, skew }]))
  }

  async #findAddresses(jids: readonly string[]): Promise<ReadonlyMap<string, number>> {
    const rows = await this.#database.lookUp<{ jid: string; number: number }>(sql`
      SELECT jid, number FROM address WHERE jid ${this.#database.dialect.isOneOf(jids, 'text')}`)
    return new Map(rows.map(({ jid, number }) => [jid, number]))
  }
}

function archiveKey(store: number, owner: Owner): string {
  return `${store} ${owner}`
}

function found<T>(entries: ReadonlyMap<string, T>, key: string): T {
  const entry = entries.get(key)
  if (entry === undefined) throw new Error('a row that was just inserted is not there')
  return entry
}

/** How many archives, and how many addresses, are kept in memory: some 10 MB each. */
const KEPT = 50_000
