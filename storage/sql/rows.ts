/** The rows of archived items that a filter means, and the items that they are. */
import { idBounds, type ReadFilter } from '../archive-filter.ts'
import { idText } from '../archive-id.ts'
import type { ArchiveItem } from '../store.ts'
import type { Database } from './database.ts'
import type { Dialect } from './dialect.ts'
import type { ArchiveEntry } from './numbers.ts'
import { joined, type Sql, sql } from './sql.ts'

/** The rows of one archive, or of several whose greatest skew is known, as they stand behind FROM. */
export function matchingRows(dialect: Dialect, archive: Sql, skew: number, filter: ReadFilter): Sql {
  const { after, before } = idBounds(filter, skew)
  const source = filter.with === undefined ? sql`archive_item` : sql`archive_item${dialect.indexedByPeer}`
  const bounds = sql`archive ${archive} AND id > ${after} AND id < ${before}`
  return sql`${source} WHERE ${bounds}${furtherConditions(dialect, skew, filter)}`
}

/** The rows of an archive, among those whose words are indexed, in which all terms are found, as they stand behind FROM. */
export function foundRows(dialect: Dialect, { number, skew }: ArchiveEntry, filter: ReadFilter): Sql {
  const { after, before } = idBounds(filter, skew)
  const search = dialect.words.searchFor(filter.terms ?? [], number)
  return sql`${dialect.words.matches(search, after, before)}${furtherConditions(dialect, skew, filter)}`
}

/** All that is asked of an item but its archive, its words, and the bounds of its id. */
function furtherConditions(dialect: Dialect, skew: number, filter: ReadFilter): Sql {
  const { surelyStarted, surelyNotEnded } = idBounds(filter, skew)
  const conditions: Sql[] = []
  // The time is in no index: it is looked at only if it was asked for, and where the id cannot tell.
  if (filter.start !== -Infinity) conditions.push(sql` AND (id >= ${surelyStarted} OR at >= ${filter.start})`)
  if (filter.end !== Infinity) conditions.push(sql` AND (id < ${surelyNotEnded} OR at <= ${filter.end})`)
  if (filter.ids !== undefined) conditions.push(sql` AND id ${dialect.isOneOf(filter.ids, 'number')}`)
  if (filter.with === undefined) return joined(conditions)
  conditions.push(sql` AND peer = (SELECT number FROM address WHERE jid = ${filter.with.bare})`)
  if (filter.with.resource !== undefined) conditions.push(sql` AND resource = ${filter.with.resource}`)
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
