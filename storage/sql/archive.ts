/** The archives of one store of a host, in SQL. */
import { everything, millisecond, notSearchable, type ReadFilter, readFilter } from '../archive-filter.ts'
import { type ArchiveIds, idNumber, idText } from '../archive-id.ts'
import { checkOwner, checkText, filedAddress } from '../limits.ts'
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
import type { ItemChange } from './change.ts'
import type { Database } from './database.ts'
import type { ArchiveEntry, Numbers } from './numbers.ts'
import { type OwnedArchive, removeItems } from './removal.ts'
import { countRows, matchingRows, readItems } from './rows.ts'
import { Search } from './search.ts'
import { type Sql, sql } from './sql.ts'
import type { WordIndex } from './word-index.ts'
import type { Writer } from './writer.ts'

/** What the stores of a database have in common. */
export interface Base {
  readonly database: Database
  readonly writer: Writer
  readonly numbers: Numbers
  readonly ids: ArchiveIds
  readonly index: WordIndex
}

export class SqlArchive implements ArchiveStore {
  readonly #base: Base
  readonly #store: number
  readonly #search: Search | undefined

  /** With `textOf` it can be searched. */
  constructor(base: Base, store: number, textOf: TextOf | undefined) {
    this.#base = base
    this.#store = store
    this.#search = textOf && new Search(base, textOf)
  }

  append(owner: Owner, item: NewArchiveItem): Appended {
    const id = this.#base.ids.next()
    const stored = this.#keep(id, owner, item)
    if (this.#search !== undefined) this.#base.index.appended(this.#store)
    return { id: idText(id), stored }
  }

  async find(owner: Owner, query: ArchiveQuery): Promise<readonly ArchiveItem[]> {
    const filter = readFilter(query)
    const search = this.#searchFor(query)
    const limit = Math.min(Math.floor(query.limit), Number.MAX_SAFE_INTEGER)
    if (filter === undefined || !(limit > 0)) return []
    const archive = await this.#archiveOf(owner)
    if (archive === undefined) return []
    const order = query.newestFirst === true ? 'newest first' : 'oldest first'
    if (search !== undefined) return search.find(archive, filter, order, limit)
    return readItems(this.#base.database, this.#rowsOf(archive, filter), { order, limit })
  }

  async count(owner: Owner, query: ArchiveSearch): Promise<number> {
    const filter = readFilter(query)
    const search = this.#searchFor(query)
    if (filter === undefined) return 0
    const archive = await this.#archiveOf(owner)
    if (archive === undefined) return 0
    if (search !== undefined) return search.count(archive, filter)
    return countRows(this.#base.database, this.#rowsOf(archive, filter))
  }

  async get(owner: Owner, id: string): Promise<ArchiveItem | undefined> {
    const [item] = await this.find(owner, { ids: [id], limit: 1 })
    return item
  }

  async has(owner: Owner, id: string): Promise<boolean> {
    return (await this.count(owner, { ids: [id] })) === 1
  }

  async replace(owner: Owner, id: string, stanza: string): Promise<boolean> {
    checkText(stanza)
    const number = idNumber(id)
    if (number === undefined) return false
    const archive = sql`(SELECT number FROM archive WHERE store = ${this.#store} AND owner = ${owner})`
    const replaced = this.#run(
      owner,
      sql`UPDATE archive_item SET stanza = ${stanza} WHERE id = ${number} AND archive = ${archive}`,
    )
    if (this.#search === undefined) return (await replaced) === 1
    // In one transaction: what it has said is not to be found any more, neither if it is not indexed yet.
    const { words: tables } = this.#base.database.dialect
    const [count] = await Promise.all([replaced, this.#run(owner, tables.put(number, archive, ''))])
    if (count === 0) return false
    const entry = await this.#archiveOf(owner)
    const words = entry && this.#base.index.wordsOf(this.#store, entry.number, stanza)
    if (words !== undefined && words !== '') await this.#run(owner, tables.put(number, archive, words))
    return true
  }

  async remove(owner: Owner | undefined, query: ArchiveFilter): Promise<number> {
    const last = this.#base.ids.last
    const read = readFilter(query)
    if (read === undefined) return 0
    const filter = { ...read, before: Math.min(read.before, last + 1) }
    if (owner === undefined) {
      await this.#base.writer.settled(undefined)
      return this.#removeOfAll(filter)
    }
    const archive = await this.#archiveOf(owner)
    if (archive === undefined) return 0
    return removeItems(this.#base, [{ number: archive.number, owner }], archive.skew, filter)
  }

  async trim(owner: Owner, most: number): Promise<number> {
    const archive = await this.#archiveOf(owner)
    if (archive === undefined) return 0
    const [row] = await this.#base.database.query<{ id: number }>(sql`
      SELECT id FROM archive_item WHERE archive = ${archive.number} ORDER BY id DESC LIMIT 1 OFFSET ${most}`)
    if (row === undefined) return 0
    return removeItems(this.#base, [{ number: archive.number, owner }], archive.skew, {
      ...everything,
      before: row.id + 1,
    })
  }

  async size(owner: Owner): Promise<ArchiveSize> {
    const archive = await this.#archiveOf(owner)
    if (archive === undefined) return { items: 0, bytes: 0 }
    let size: ArchiveSize = { items: 0, bytes: 0 }
    let after: number | null = everything.after
    while (after !== null) {
      const portion = await this.#sizeAfter(archive, after)
      size = { items: size.items + portion.items, bytes: size.bytes + portion.bytes }
      after = portion.last
    }
    return size
  }

  async *owners(): AsyncGenerator<Owner> {
    await this.#base.writer.settled(undefined)
    for await (const archives of this.#pagesOfArchives()) for (const { owner } of archives) yield owner
  }

  /** Not an async function: thousands of items share the promise of their transaction. */
  #keep(id: number, owner: Owner, item: NewArchiveItem): Promise<void> {
    try {
      return this.#base.writer.write(owner, [this.#changeOf(id, owner, item)])
    } catch (error) {
      return Promise.reject(error)
    }
  }

  #changeOf(id: number, owner: Owner, item: NewArchiveItem): ItemChange {
    checkOwner(owner)
    checkText(item.stanza)
    checkText(item.kind ?? '')
    const { bare, resource } = filedAddress(item.with)
    return {
      kind: 'item',
      store: this.#store,
      owner,
      id,
      peer: bare,
      resource,
      word: item.kind,
      at: millisecond(item.when),
      stanza: item.stanza,
    }
  }

  async #sizeAfter({ number }: ArchiveEntry, after: number): Promise<SizeRow> {
    const [portion] = await this.#base.database.query<SizeRow>(sql`
      SELECT count(*) AS items, coalesce(sum(bytes), 0) AS bytes, max(id) AS last FROM (
        SELECT id, octet_length(stanza) AS bytes FROM archive_item
        WHERE archive = ${number} AND id > ${after} ORDER BY id LIMIT ${SIZE_ITEMS}) AS portion`)
    return portion ?? { items: 0, bytes: 0, last: null }
  }

  #run(owner: Owner, statement: Sql): Promise<number> {
    return this.#base.writer.run({ kind: 'statement', owner, statement })
  }

  /** What somebody searches with; undefined if they ask for no words. */
  #searchFor({ text }: ArchiveSearch): Search | undefined {
    if (text === undefined) return undefined
    if (this.#search === undefined) throw notSearchable()
    return this.#search
  }

  /** With everything that was written before; undefined if there never was anything. */
  async #archiveOf(owner: Owner): Promise<ArchiveEntry | undefined> {
    await this.#base.writer.settled(owner)
    return this.#base.numbers.archive(this.#store, owner)
  }

  #rowsOf({ number, skew }: ArchiveEntry, filter: ReadFilter): Sql {
    return matchingRows(this.#base.database.dialect, sql`= ${number}`, skew, filter)
  }

  async #removeOfAll(filter: ReadFilter): Promise<number> {
    let removed = 0
    for await (const archives of this.#pagesOfArchives()) {
      const skew = Math.max(...archives.map((archive) => archive.skew))
      removed += await removeItems(this.#base, archives, skew, filter)
    }
    return removed
  }

  async *#pagesOfArchives(): AsyncGenerator<readonly (OwnedArchive & ArchiveEntry)[]> {
    let rest = sql``
    while (true) {
      const archives = await this.#base.database.query<OwnedArchive & ArchiveEntry>(sql`
        SELECT number, owner, skew FROM archive WHERE store = ${this.#store} ${rest}
        ORDER BY owner LIMIT ${PAGE_ARCHIVES}`)
      const last = archives.at(-1)
      if (last === undefined) return
      yield archives
      rest = sql`AND owner > ${last.owner}`
    }
  }
}

/** Of a portion, with its last id if there is more of it than nothing. */
interface SizeRow {
  readonly items: number
  readonly bytes: number
  readonly last: number | null
}

const PAGE_ARCHIVES = 500
/** Items that are measured at a time. */
const SIZE_ITEMS = 5000
