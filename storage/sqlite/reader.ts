/** A second connection to the database, in the thread that asks: for the few rows of a key, which are there at once. */
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import type { SqlValue } from '../sql/sql.ts'

/**
 * Asking the other thread for one row costs ten times what finding it does. In
 * a write-ahead log readers wait for nobody, checkpoints least of all; what is
 * committed is seen at once.
 */
export class Reader implements Disposable {
  readonly #database: DatabaseSync
  /** Texts are written in the source, so there are few. */
  readonly #prepared = new Map<string, StatementSync>()

  /** The file must be there, with its tables. */
  constructor(path: string) {
    this.#database = new DatabaseSync(path, { readOnly: true, timeout: 0 })
    this.#database.exec(`PRAGMA mmap_size = ${MAPPED_BYTES}`)
  }

  all(text: string, values: readonly SqlValue[]): readonly unknown[] {
    const known = this.#prepared.get(text)
    if (known !== undefined) return known.all(...values)
    const statement = this.#database.prepare(text)
    this.#prepared.set(text, statement)
    return statement.all(...values)
  }

  [Symbol.dispose](): void {
    this.#database.close()
  }
}

/** Pages of the file that are read without copying them. */
const MAPPED_BYTES = 256 * 1024 * 1024
