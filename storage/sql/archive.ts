/** The archives of one store of a host, in SQL. */
import { idBounds, millisecond, type ReadFilter, readFilter } from '../archive-filter.ts'
import { type ArchiveIds, idNumber, idText } from '../archive-id.ts'
import { checkOwner, checkText, filedAddress } from '../limits.ts'
import type {
  Appended,
  ArchiveFilter,
  ArchiveItem,
  ArchiveQuery,
  ArchiveStore,
  NewArchiveItem,
  Owner,
} from '../store.ts'
import type { ItemChange } from './change.ts'
import type { Database } from './database.ts'
import type { Dialect } from './dialect.ts'
import type { ArchiveEntry, Numbers } from './numbers.ts'
import { joined, type Sql, sql } from './sql.ts'
import type { Writer } from './writer.ts'

/** What the stores of a database have in common. */
export interface Base {
  readonly database: Database
  readonly writer: Writer
  readonly numbers: Numbers
  readonly ids: ArchiveIds
}

export class SqlArchive implements ArchiveStore {
  readonly #base: Base
  readonly #store: number

  constructor(base: Base, store: number) {
    this.#base = base
    this.#store = store
  }

  append(owner: Owner, item: NewArchiveItem): Appended {
    const id = this.#base.ids.next()
    return { id: idText(id), stored: this.#keep(id, owner, item) }
  }

  async find(owner: Owner, query: ArchiveQuery): Promise<readonly ArchiveItem[]> {
    const filter = readFilter(query)
    const limit = Math.min(Math.floor(query.limit), Number.MAX_SAFE_INTEGER)
    if (filter === undefined || !(limit > 0)) return []
    const matching = await this.#rowsOf(owner, filter)
    if (matching === undefined) return []
    const order = query.newestFirst === true ? sql`ORDER BY id DESC` : sql`ORDER BY id`
    const rows = await this.#base.database.query<ItemRow>(
      sql`SELECT ${COLUMNS} FROM ${matching} ${order} LIMIT ${limit}`,
    )
    return rows.map(itemOf)
  }

  async count(owner: Owner, query: ArchiveFilter): Promise<number> {
    const filter = readFilter(query)
    const matching = filter && (await this.#rowsOf(owner, filter))
    if (matching === undefined) return 0
    const [row] = await this.#base.database.query<{ count: number }>(sql`SELECT count(*) AS count FROM ${matching}`)
    return row?.count ?? 0
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
    const statement = sql`
      UPDATE archive_item SET stanza = ${stanza} WHERE id = ${number}
        AND archive = (SELECT number FROM archive WHERE store = ${this.#store} AND owner = ${owner})`
    return (await this.#base.writer.run({ kind: 'statement', owner, statement })) === 1
  }

  async remove(owner: Owner | undefined, query: ArchiveFilter): Promise<number> {
    const last = this.#base.ids.last
    const read = readFilter(query)
    if (read === undefined) return 0
    const filter = { ...read, before: Math.min(read.before, last + 1) }
    await this.#base.writer.settled(owner)
    if (owner === undefined) return this.#removeOfAll(filter)
    const archive = await this.#base.numbers.archive(this.#store, owner)
    if (archive === undefined) return 0
    return removeItems(this.#base, [{ number: archive.number, owner }], archive.skew, filter)
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

  /** The rows that match, as they stand behind FROM; undefined if there is no archive. */
  async #rowsOf(owner: Owner, filter: ReadFilter): Promise<Sql | undefined> {
    const { writer, numbers, database } = this.#base
    await writer.settled(owner)
    const archive = await numbers.archive(this.#store, owner)
    if (archive === undefined) return undefined
    return matchingRows(database.dialect, sql`= ${archive.number}`, archive.skew, filter)
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

/** An archive and whose it is. */
export interface OwnedArchive {
  readonly number: number
  readonly owner: Owner
}

/**
 * Removes items in portions, so that the database is not held up for long;
 * gives how many. `skew` is the greatest of the archives.
 */
export async function removeItems(
  { database, writer }: Base,
  archives: readonly OwnedArchive[],
  skew: number,
  filter: ReadFilter,
): Promise<number> {
  const numbers = archives.map(({ number }) => number)
  const rows = matchingRows(database.dialect, database.dialect.isOneOf(numbers, 'number'), skew, filter)
  const statement = sql`DELETE FROM archive_item WHERE id IN (SELECT id FROM ${rows} LIMIT ${PORTION_ITEMS})`
  let removed = 0
  let count: number
  do {
    count = await writer.run({ kind: 'statement', owner: archives[0]?.owner ?? '', statement })
    removed += count
  } while (count === PORTION_ITEMS)
  return removed
}

function matchingRows(dialect: Dialect, archive: Sql, skew: number, filter: ReadFilter): Sql {
  const { after, before, surelyStarted, surelyNotEnded } = idBounds(filter, skew)
  const conditions = [sql`archive ${archive} AND id > ${after} AND id < ${before}`]
  // The time is in no index: it is looked at only if it was asked for, and where the id cannot tell.
  if (filter.start !== -Infinity) conditions.push(sql` AND (id >= ${surelyStarted} OR at >= ${filter.start})`)
  if (filter.end !== Infinity) conditions.push(sql` AND (id < ${surelyNotEnded} OR at <= ${filter.end})`)
  if (filter.ids !== undefined) conditions.push(sql` AND id ${dialect.isOneOf(filter.ids, 'number')}`)
  if (filter.with === undefined) return sql`archive_item WHERE ${joined(conditions)}`
  conditions.push(sql` AND peer = (SELECT number FROM address WHERE jid = ${filter.with.bare})`)
  if (filter.with.resource !== undefined) conditions.push(sql` AND resource = ${filter.with.resource}`)
  return sql`archive_item${dialect.indexedByPeer} WHERE ${joined(conditions)}`
}

interface ItemRow {
  readonly id: number
  readonly at: number
  readonly peer: string
  readonly resource: string | null
  readonly kind: string | null
  readonly stanza: string
}

const COLUMNS = sql`id, at, (SELECT jid FROM address WHERE number = peer) AS peer, resource, kind, stanza`

function itemOf({ id, at, peer, resource, kind, stanza }: ItemRow): ArchiveItem {
  return {
    id: idText(id),
    when: new Date(at),
    with: resource === null ? peer : `${peer}/${resource}`,
    stanza,
    ...(kind !== null && { kind }),
  }
}

/** Items removed in one transaction. */
const PORTION_ITEMS = 2000
const PAGE_ARCHIVES = 500
