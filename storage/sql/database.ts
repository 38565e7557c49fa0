/** A database as the stores use it: reads, and transactions that are written down before they are begun. */
import type { ColumnType, Dialect } from './dialect.ts'
import type { Sql, SqlValue } from './sql.ts'

export interface Database {
  readonly dialect: Dialect
  /** What is committed. The type of the rows is the caller's word, who also wrote the columns. */
  query<Row>(query: Sql): Promise<readonly Row[]>
  /** The same for the few rows of a key, which may be found before others are asked. */
  lookUp<Row>(query: Sql): Promise<readonly Row[]>
  /**
   * Commits all steps or none; gives the number of rows that each has changed.
   * Steps are taken one at a time, with a turn of the event loop between them,
   * so that a large transaction does not hold up everything else.
   */
  transaction(steps: Iterable<Step>): Promise<readonly number[]>
  /** A transaction that no other process can have at the same time, however long it takes. */
  exclusive<T>(work: (session: Session) => Promise<T>): Promise<T>
  close(): Promise<void>
}

/** A statement, or one for many rows. */
export type Step = Sql | BulkStep

export interface BulkStep {
  readonly bulk: Bulk
  /** By column, all of the same length. */
  readonly columns: readonly (readonly SqlValue[])[]
}

/** A statement for many rows: an insert, an update or a delete of each. */
export interface Bulk {
  readonly types: readonly ColumnType[]
  /** The statement, given the rows as `Dialect.rows` writes them. */
  text(rows: string): string
}

/** The inside of an exclusive transaction. */
export interface Session {
  readonly dialect: Dialect
  query<Row>(query: Sql): Promise<readonly Row[]>
  /** Runs statements that take no values. */
  execute(text: string): Promise<void>
}
