/** The rows of archived items that a filter means, and the items that they are. */
import { idBounds, type ReadFilter } from '../archive-filter.ts'
import { idText } from '../archive-id.ts'
import type { FiledAddress } from '../limits.ts'
import type { ArchiveItem } from '../store.ts'
import type { Database } from './database.ts'
import type { Dialect } from './dialect.ts'
import type { ArchiveEntry } from './numbers.ts'
import { joined, type Sql, sql } from './sql.ts'

/** The rows of one archive, or of several whose greatest skew is known, as they stand behind FROM. */
export function matchingRows(dialect: Dialect, archive: Sql, skew: number, filter: ReadFilter): Sql {
  const { after, before } = idBounds(filter, skew)
  const bounds = sql`archive ${archive} AND id > ${after} AND id < ${before}`
  const further = furtherConditions(dialect, skew, filter)
  if (filter.with === undefined) return sql`archive_item WHERE ${bounds}${further}`
  return sql`archive_item${dialect.indexedByPeer} WHERE ${bounds}${further} AND peer = ${numberOf(filter.with)}`
}

/** The rows of an archive, among those whose words are indexed, in which all terms are found, as they stand behind FROM. */
export function foundRows(dialect: Dialect, archive: ArchiveEntry, filter: ReadFilter): Sql {
  const { skew, number } = archive
  const { after, before } = idBounds(filter, skew)
  const found = dialect.words.foundItems(dialect.words.searchFor(filter.terms ?? [], number), after, before)
  return sql`${found}${ofPeer(dialect, archive, filter)}${furtherConditions(dialect, skew, filter)}`
}

/** The same to be counted: without the items, if the index can tell. */
export function countedRows(dialect: Dialect, archive: ArchiveEntry, filter: ReadFilter): Sql {
  const isOfIds = filter.start === -Infinity && filter.end === Infinity && filter.ids === undefined
  if (!isOfIds || filter.with?.resource !== undefined) return foundRows(dialect, archive, filter)
  const search = dialect.words.searchFor(filter.terms ?? [], archive.number)
  return sql`${dialect.words.found(search, filter.after, filter.before)}${ofPeer(dialect, archive, filter)}`
}

/** Of what was found, what is of a peer: looked up in its index, where the ids lie together, before the items are. */
function ofPeer(dialect: Dialect, { number }: ArchiveEntry, filter: ReadFilter): Sql {
  if (filter.with === undefined) return sql``
  return sql` AND EXISTS (SELECT 1 FROM archive_item AS filed${dialect.indexedByPeer}
    WHERE filed.archive = ${number} AND filed.peer = ${numberOf(filter.with)} AND filed.id = ${dialect.words.foundId})`
}

function numberOf({ bare }: FiledAddress): Sql {
  return sql`(SELECT number FROM address WHERE jid = ${bare})`
}

/** All that is asked of an item but its archive, its words, its peer, and the bounds of its id. */
function furtherConditions(dialect: Dialect, skew: number, filter: ReadFilter): Sql {
  const { surelyStarted, surelyNotEnded } = idBounds(filter, skew)
  const conditions: Sql[] = []
  // The time is in no index: it is looked at only if it was asked for, and where the id cannot tell.
  if (filter.start !== -Infinity) conditions.push(sql` AND (id >= ${surelyStarted} OR at >= ${filter.start})`)
  if (filter.end !== Infinity) conditions.push(sql` AND (id < ${surelyNotEnded} OR at <= ${filter.end})`)
  if (filter.ids !== undefined) conditions.push(sql` AND id ${dialect.isOneOf(filter.ids, 'number')}`)
  if (filter.with?.resource !== undefined) conditions.push(sql` AND resource = ${filter.with.resource}`)
  return joined(conditions)
}

export type Order = 'oldest first' | 'newest first'

/** Reads items from rows as they stand behind FROM, sorted by their id. */
export async function readItems(
  database: Database,
  rows: Sql,
  { order, limit, by = sql`id` }: { readonly order: Order; readonly limit: number; readonly by?: Sql },
): Promise<readonly ArchiveItem[]> {
  const sorting = order === 'newest first' ? sql`ORDER BY ${by} DESC` : sql`ORDER BY ${by}`
  const items = await database.query<ItemRow>(sql`SELECT ${COLUMNS} FROM ${rows} ${sorting} LIMIT ${limit}`)
  return items.map(itemOf)
}

export async function countRows(database: Database, rows: Sql): Promise<number> {
  const [row] = await database.query<{ count: number }>(sql`SELECT count(*) AS count FROM ${rows}`)
  return row?.count ?? 0
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
