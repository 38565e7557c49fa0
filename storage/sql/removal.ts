/** Removes items from archives, and their words with them. */
import type { ReadFilter } from '../archive-filter.ts'
import type { Owner } from '../store.ts'
import type { Base } from './archive.ts'
import { matchingRows } from './rows.ts'
import { type Sql, sql } from './sql.ts'

/** An archive and whose it is. */
export interface OwnedArchive {
  readonly number: number
  readonly owner: Owner
}

/**
 * Removes items in portions, so that the database is not held up for long; gives how many. `skew` is the greatest of
 * the archives. What was written to them before must be settled.
 */
export async function removeItems(
  base: Base,
  archives: readonly OwnedArchive[],
  skew: number,
  filter: ReadFilter,
): Promise<number> {
  const { dialect } = base.database
  const numbers = archives.map(({ number }) => number)
  const rows = matchingRows(dialect, dialect.isOneOf(numbers, 'number'), skew, filter)
  const owner = archives[0]?.owner ?? ''
  let removed = 0
  while (true) {
    const portion = await base.database.query<{ id: number }>(sql`SELECT id FROM ${rows} LIMIT ${PORTION_ITEMS}`)
    if (portion.length === 0) return removed
    const ids = dialect.isOneOf(
      portion.map(({ id }) => id),
      'number',
    )
    removed += await removeOnes(base, owner, ids)
    if (portion.length < PORTION_ITEMS) return removed
  }
}

async function removeOnes({ database, writer }: Base, owner: Owner, ids: Sql): Promise<number> {
  const words = writer.run({ kind: 'statement', owner, statement: database.dialect.words.drop(ids) })
  const items = writer.run({ kind: 'statement', owner, statement: sql`DELETE FROM archive_item WHERE id ${ids}` })
  const [, count] = await Promise.all([words, items])
  return count
}

/** Items removed in one transaction. */
const PORTION_ITEMS = 1000
