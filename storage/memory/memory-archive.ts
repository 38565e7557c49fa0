/** The archives of one store of a host, in memory. */
import { millisecond, notSearchable, type ReadFilter, readFilter } from '../archive-filter.ts'
import { type ArchiveIds, idText } from '../archive-id.ts'
import { checkOwner, checkText, type FiledAddress, filedAddress } from '../limits.ts'
import type {
  Appended,
  ArchiveFilter,
  ArchiveItem,
  ArchiveQuery,
  ArchiveSearch,
  ArchiveSize,
  ArchiveStore,
  NewArchiveItem,
  Owner,
  TextOf,
} from '../store.ts'
import { hasTerms, wordsOf } from '../words.ts'

export class MemoryArchive implements ArchiveStore {
  /** With it, the archive can be searched. */
  textOf: TextOf | undefined
  readonly #ids: ArchiveIds
  /** The items of each owner, in the order of their ids. */
  readonly #owners = new Map<Owner, MemoryItem[]>()

  constructor(ids: ArchiveIds) {
    this.#ids = ids
  }

  append(owner: Owner, item: NewArchiveItem): Appended {
    const number = this.#ids.next()
    return { id: idText(number), stored: this.#keep(number, owner, item) }
  }

  async find(owner: Owner, query: ArchiveQuery): Promise<readonly ArchiveItem[]> {
    const limit = Math.max(0, Math.floor(query.limit))
    const matching = this.#matching(owner, query)
    const chosen = query.newestFirst === true ? matching.toReversed() : matching
    return chosen.slice(0, limit).map(({ item }) => item)
  }

  async count(owner: Owner, filter: ArchiveSearch): Promise<number> {
    return this.#matching(owner, filter).length
  }

  async get(owner: Owner, id: string): Promise<ArchiveItem | undefined> {
    return this.#matching(owner, { ids: [id] })[0]?.item
  }

  async has(owner: Owner, id: string): Promise<boolean> {
    return (await this.get(owner, id)) !== undefined
  }

  async replace(owner: Owner, id: string, stanza: string): Promise<boolean> {
    checkText(stanza)
    const items = this.#owners.get(owner) ?? []
    const index = items.findIndex(({ item }) => item.id === id)
    const old = items[index]
    if (old === undefined) return false
    items[index] = { ...old, item: { ...old.item, stanza } }
    return true
  }

  async remove(owner: Owner | undefined, filter: ArchiveFilter): Promise<number> {
    const owners = owner === undefined ? [...this.#owners.keys()] : [owner]
    let removed = 0
    for (const each of owners) {
      const gone = new Set(this.#matching(each, filter))
      const left = (this.#owners.get(each) ?? []).filter((item) => !gone.has(item))
      if (left.length === 0) this.#owners.delete(each)
      else this.#owners.set(each, left)
      removed += gone.size
    }
    return removed
  }

  async trim(owner: Owner, most: number): Promise<number> {
    const items = this.#owners.get(owner) ?? []
    const surplus = Math.max(0, items.length - most)
    const left = items.slice(surplus)
    if (left.length === 0) this.#owners.delete(owner)
    else this.#owners.set(owner, left)
    return surplus
  }

  async size(owner: Owner): Promise<ArchiveSize> {
    const items = this.#owners.get(owner) ?? []
    return { items: items.length, bytes: items.reduce((sum, { item }) => sum + Buffer.byteLength(item.stanza), 0) }
  }

  async *owners(): AsyncGenerator<Owner> {
    // Who asks may change things between two of them.
    const owners = [...this.#owners.keys()]
    yield* owners
  }

  forget(owner: Owner): void {
    this.#owners.delete(owner)
  }

  async #keep(number: number, owner: Owner, item: NewArchiveItem): Promise<void> {
    checkOwner(owner)
    checkText(item.stanza)
    checkText(item.kind ?? '')
    const filed = filedAddress(item.with)
    const at = millisecond(item.when)
    const items = this.#owners.get(owner) ?? []
    this.#owners.set(owner, items)
    items.push({ number, at, filed, item: keptItem(idText(number), item, at) })
  }

  #matching(owner: Owner, query: ArchiveSearch): readonly MemoryItem[] {
    const filter = readFilter(query)
    if (query.text !== undefined && this.textOf === undefined) throw notSearchable()
    if (filter === undefined) return []
    return (this.#owners.get(owner) ?? []).filter((item) => matches(item, filter) && this.#says(item, filter))
  }

  #says({ item }: MemoryItem, { terms }: ReadFilter): boolean {
    return terms === undefined || hasTerms(wordsOf(this.textOf?.(item.stanza) ?? ''), terms)
  }
}

interface MemoryItem {
  readonly number: number
  readonly at: number
  readonly filed: FiledAddress
  readonly item: ArchiveItem
}

function keptItem(id: string, { with: peer, stanza, kind }: NewArchiveItem, at: number): ArchiveItem {
  return { id, when: new Date(at), with: peer, stanza, ...(kind !== undefined && { kind }) }
}

function matches({ number, at, filed }: MemoryItem, filter: ReadFilter): boolean {
  if (number <= filter.after || number >= filter.before) return false
  if (at < filter.start || at > filter.end) return false
  if (filter.ids !== undefined && !filter.ids.includes(number)) return false
  if (filter.with === undefined) return true
  if (filed.bare !== filter.with.bare) return false
  return filter.with.resource === undefined || filed.resource === filter.with.resource
}
