/**
 * The thread that has the SQLite database, so that a slow disk holds up no
 * stanza. It handles one request after another, in the order they were sent.
 *
 * Imports nothing but what Node has built in: the single executable carries
 * this file as one script.
 */
import { closeSync, mkdirSync, openSync } from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { type MessagePort, parentPort, workerData } from 'node:worker_threads'
import type { SqlValue } from '../sql/sql.ts'
import type { Answer, Commit, Query, Request, Rows, WireStep, WorkerData } from './protocol.ts'

/** Serves requests until it is told to close. */
class Server {
  readonly #port: MessagePort
  readonly #database: DatabaseSync
  /** Texts are written in the source, so there are few. */
  readonly #prepared = new Map<string, StatementSync>()
  readonly #parts = new Map<number, WireStep[]>()

  constructor(port: MessagePort, database: DatabaseSync) {
    this.#port = port
    this.#database = database
  }

  listen(): void {
    this.#port.on('message', (request: Request) => this.#receive(request))
  }

  #receive(request: Request): void {
    if (request.kind === 'part') {
      const parts = this.#parts.get(request.transaction) ?? []
      this.#parts.set(request.transaction, parts)
      parts.push(request.step)
      return
    }
    this.#port.postMessage(this.#answer(request), [])
    if (request.kind === 'close') this.#port.close()
  }

  #answer(request: Exclude<Request, { kind: 'part' }>): Answer {
    try {
      return { id: request.id, result: this.#handle(request) }
    } catch (error) {
      return { id: request.id, error: error instanceof Error ? error.message : String(error) }
    }
  }

  #handle(request: Exclude<Request, { kind: 'part' }>): unknown {
    if (request.kind === 'query') return this.#query(request)
    if (request.kind === 'commit') return this.#commit(request)
    if (request.kind === 'execute') this.#database.exec(request.text)
    else this.#close()
    return undefined
  }

  #query({ text, values }: Query): Rows {
    const statement = this.#statement(text)
    // With `setReturnArrays` rows are arrays, which the types do not know.
    const rows = statement.all(...values) as unknown as Rows['rows']
    return { columns: rows.length === 0 ? [] : statement.columns().map(({ name }) => name), rows }
  }

  #close(): void {
    this.#database.exec('PRAGMA optimize')
    this.#database.close()
  }

  #commit({ transaction, parts, step }: Commit): readonly number[] {
    const steps = this.#parts.get(transaction) ?? []
    this.#parts.delete(transaction)
    if (steps.length !== parts) throw new Error('a part of a transaction was lost')
    steps.push(step)
    this.#database.exec('BEGIN IMMEDIATE')
    try {
      const counts = steps.map((each) => this.#run(each))
      this.#database.exec('COMMIT')
      return counts
    } catch (error) {
      // After some errors SQLite has done so itself.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK')
      throw error
    }
  }

  #run({ text, count, columns }: WireStep): number {
    const statement = this.#statement(text)
    let changes = 0
    for (let row = 0; row < count; row++) {
      const values = columns.map((column): SqlValue => column[row] ?? null)
      changes += Number(statement.run(...values).changes)
    }
    return changes
  }

  #statement(text: string): StatementSync {
    const known = this.#prepared.get(text)
    if (known !== undefined) return known
    const statement = this.#database.prepare(text)
    statement.setReturnArrays(true)
    this.#prepared.set(text, statement)
    return statement
  }
}

/** Opens the database and makes it if it is not there, readable by nobody else. */
function open(path: string): DatabaseSync {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  closeSync(openSync(path, 'a', 0o600))
  const database = new DatabaseSync(path, { timeout: LOCK_MILLISECONDS })
  useWriteAheadLog(database)
  database.exec(`
    PRAGMA synchronous = FULL;
    PRAGMA temp_store = MEMORY;
    PRAGMA cache_size = -${CACHE_KIBIBYTES};
    PRAGMA journal_size_limit = ${JOURNAL_BYTES}
  `)
  return database
}

/** Two processes that do this to a new file at once are told that it is locked, without the usual waiting. */
function useWriteAheadLog(database: DatabaseSync): void {
  const pause = new Int32Array(new SharedArrayBuffer(4))
  for (let left = LOCK_MILLISECONDS; ; left -= PAUSE_MILLISECONDS) {
    try {
      database.exec('PRAGMA journal_mode = WAL')
      return
    } catch (error) {
      if (left <= 0 || !isBusy(error)) throw error
      Atomics.wait(pause, 0, 0, PAUSE_MILLISECONDS)
    }
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === SQLITE_BUSY
}
const SQLITE_BUSY = 5

/** How long to wait for another process that is using the file, as a backup does. */
const LOCK_MILLISECONDS = 5000
const PAUSE_MILLISECONDS = 20
const CACHE_KIBIBYTES = 16 * 1024
const JOURNAL_BYTES = 64 * 1024 * 1024

if (parentPort !== null) {
  // Given by SqliteDatabase, which starts this thread.
  const { path } = workerData as WorkerData
  new Server(parentPort, open(path)).listen()
}
