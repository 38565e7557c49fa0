/** The statements that write many rows, and how rows are dealt out to them. */
import type { Bulk, BulkStep } from './database.ts'
import type { SqlValue } from './sql.ts'

// SQLite would take ON CONFLICT for the condition of a join if there were no WHERE before it.

/** Rows of store, owner, key, text; no key twice. */
export const putValues: Bulk = {
  types: ['number', 'text', 'text', 'text'],
  text: (rows) => `
    INSERT INTO keyval (store, owner, key, value) SELECT * FROM ${rows} WHERE true
    ON CONFLICT (store, owner, key) DO UPDATE SET value = excluded.value`,
}

/** Rows of store, owner, key. */
export const dropValues: Bulk = {
  types: ['number', 'text', 'text'],
  text: (rows) => `DELETE FROM keyval WHERE (store, owner, key) IN (SELECT * FROM ${rows})`,
}

/** Rows of id, archive, peer, resource, kind, at, stanza. */
export const insertItems: Bulk = {
  types: ['number', 'number', 'number', 'text', 'text', 'number', 'text'],
  text: (rows) => `INSERT INTO archive_item (id, archive, peer, resource, kind, at, stanza) SELECT * FROM ${rows}`,
}

/** Rows of archive, skew. */
export const widenSkew: Bulk = {
  types: ['number', 'number'],
  text: (rows) => `
    UPDATE archive SET skew = r.column2 FROM ${rows} WHERE number = r.column1 AND skew < r.column2`,
}

/** Rows of store, owner. */
export const insertArchives: Bulk = {
  types: ['number', 'text'],
  text: (rows) => `
    INSERT INTO archive (store, owner) SELECT * FROM ${rows} WHERE true ON CONFLICT (store, owner) DO NOTHING`,
}

/** Rows of a JID. */
export const insertAddresses: Bulk = {
  types: ['text'],
  text: (rows) => `INSERT INTO address (jid) SELECT * FROM ${rows} WHERE true ON CONFLICT (jid) DO NOTHING`,
}

/** Deals out rows in portions that take a millisecond or two to hand over. */
export function* bulkSteps(bulk: Bulk, rows: Iterable<readonly SqlValue[]>): Generator<BulkStep> {
  let columns: SqlValue[][] = bulk.types.map(() => [])
  let count = 0
  let chars = 0
  for (const row of rows) {
    for (let i = 0; i < columns.length; i++) {
      const value = row[i]!
      columns[i]!.push(value)
      if (typeof value === 'string') chars += value.length
    }
    if (++count < PORTION_ROWS && chars < PORTION_CHARS) continue
    yield { bulk, columns }
    columns = bulk.types.map(() => [])
    count = 0
    chars = 0
  }
  if (count > 0) yield { bulk, columns }
}

const PORTION_ROWS = 500
const PORTION_CHARS = 256 * 1024
