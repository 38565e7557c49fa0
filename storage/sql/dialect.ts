/** All that differs between the databases, apart from how they are reached. */
import { type Sql, sql } from './sql.ts'
import { postgresWords, sqliteWords, type WordTables } from './word-tables.ts'

export type ColumnType = 'number' | 'text'

export interface Dialect {
  /** The nth parameter, from 1. */
  parameter(n: number): string
  /**
   * The rows of a bulk statement, as a table `r` with the columns `column1`,
   * `column2` … Its parameters are one row in SQLite, which runs the statement
   * once for each, and the columns as arrays in PostgreSQL.
   */
  rows(types: readonly ColumnType[]): string
  /** Behind a column: whether it is one of the elements of a list. */
  isOneOf(list: readonly string[] | readonly number[], type: ColumnType): Sql
  /** Behind `archive_item`: names the index by peer, where the database would choose a worse one. */
  readonly indexedByPeer: Sql
  /** What an index needs at its end to be sorted by id: in SQLite every index is. */
  readonly idInIndex: '' | ', id'
  /** What is searched. */
  readonly words: WordTables
  readonly types: {
    /** Holds any safe integer. */
    readonly number: string
    /** A primary key that numbers itself. */
    readonly sequence: string
    /** Compared and sorted by its bytes. */
    readonly name: string
  }
}

export const sqlite: Dialect = {
  parameter: () => '?',
  rows: (types) => `(VALUES (${types.map(() => '?').join(', ')})) AS r`,
  isOneOf: (list) => sql`IN (SELECT value FROM json_each(${JSON.stringify(list)}))`,
  // Without statistics it takes the index that lacks the peer.
  indexedByPeer: sql` INDEXED BY archive_item_peer`,
  idInIndex: '',
  words: sqliteWords,
  types: { number: 'INTEGER', sequence: 'INTEGER PRIMARY KEY', name: 'TEXT' },
}

export const postgres: Dialect = {
  parameter: (n) => `$${n}`,
  rows(types) {
    const arrays = types.map((type, i) => `$${i + 1}::${arrayTypes[type]}`)
    const columns = types.map((_, i) => `column${i + 1}`)
    return `unnest(${arrays.join(', ')}) AS r (${columns.join(', ')})`
  },
  // As an array it is looked up in an index; as a query it would be joined, after reading everything else.
  isOneOf(list, type) {
    const elements = sql`SELECT json_array_elements_text(${JSON.stringify(list)})`
    return type === 'number' ? sql`= ANY (ARRAY(${elements})::bigint[])` : sql`= ANY (ARRAY(${elements}))`
  },
  indexedByPeer: sql``,
  idInIndex: ', id',
  words: postgresWords,
  types: {
    number: 'BIGINT',
    sequence: 'BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY',
    // The order of any other collation may change with an update of the system, and then its indexes are broken.
    name: 'TEXT COLLATE "C"',
  },
}

const arrayTypes: Readonly<Record<ColumnType, string>> = { number: 'bigint[]', text: 'text[]' }
