/** SQLite, by way of the thread that has the database. */
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { BulkTexts } from '../sql/bulk-texts.ts'
import type { Database, Session, Step } from '../sql/database.ts'
import { sqlite } from '../sql/dialect.ts'
import { endOfTurn } from '../sql/end-of-turn.ts'
import { type Sql, type SqlValue, statementOf } from '../sql/sql.ts'
import { StorageError } from '../storage-error.ts'
import type { Answer, Request, Rows, WireStep } from './protocol.ts'
import { Reader } from './reader.ts'

export interface SqliteOptions {
  /** The file. It is made, with its folder, if it is not there. */
  readonly path: string
  /** The code of `worker.ts`: where it is, or, bundled, the script itself. */
  readonly workerSource: URL | string
}

/** Everything written is on the disk before its promise resolves (WAL with synchronous=FULL). */
export class SqliteDatabase implements Database {
  readonly dialect = sqlite
  readonly #options: SqliteOptions
  readonly #waiting = new Map<number, Waiting>()
  readonly #bulkTexts = new BulkTexts(sqlite)
  #worker: Worker | undefined
  #reader: Reader | undefined
  #lastId = 0
  #isClosed = false

  constructor(options: SqliteOptions) {
    this.#options = options
  }

  async query<Row>(query: Sql): Promise<readonly Row[]> {
    const { text, values } = statementOf(query, sqlite)
    // The answer to a query (protocol.ts), whose rows have the columns that the caller has written.
    return objectsOf((await this.#ask({ kind: 'query', id: this.#nextId(), text, values })) as Rows) as readonly Row[]
  }

  async lookUp<Row>(query: Sql): Promise<readonly Row[]> {
    const { text, values } = statementOf(query, sqlite)
    if (this.#isClosed) throw new StorageError('unavailable', 'the database is closed')
    try {
      this.#reader ??= new Reader(this.#options.path)
      // The rows have the columns of the statement, which the caller has written.
      return this.#reader.all(text, values) as readonly Row[]
    } catch {
      // Locked by a recovery or moved away: the thread can wait for it, and says what is wrong.
      this.#dropReader()
      return this.query(query)
    }
  }

  async transaction(steps: Iterable<Step>): Promise<readonly number[]> {
    const transaction = this.#nextId()
    let parts = 0
    let last: WireStep | undefined
    for (const step of steps) {
      if (last !== undefined) {
        this.#post({ kind: 'part', transaction, step: last })
        parts++
        await endOfTurn()
      }
      last = this.#wireStep(step)
    }
    if (last === undefined) return []
    // The answer to a commit (protocol.ts).
    return (await this.#ask({ kind: 'commit', id: this.#nextId(), transaction, parts, step: last })) as number[]
  }

  async exclusive<T>(work: (session: Session) => Promise<T>): Promise<T> {
    const execute = async (text: string): Promise<void> => {
      await this.#ask({ kind: 'execute', id: this.#nextId(), text })
    }
    await execute('BEGIN IMMEDIATE')
    try {
      const result = await work({ dialect: sqlite, execute, query: (query) => this.query(query) })
      await execute('COMMIT')
      return result
    } catch (error) {
      // If this fails too, the first error tells more.
      await execute('ROLLBACK').catch(() => {})
      throw error
    }
  }

  async close(): Promise<void> {
    this.#dropReader()
    const worker = this.#worker
    if (!this.#isClosed && worker !== undefined) {
      const exited = once(worker, 'exit')
      const closed = this.#ask({ kind: 'close', id: this.#nextId() })
      this.#isClosed = true
      await closed
      worker.ref()
      await exited
    }
    this.#isClosed = true
  }

  #dropReader(): void {
    this.#reader?.[Symbol.dispose]()
    this.#reader = undefined
  }

  #nextId(): number {
    return ++this.#lastId
  }

  #wireStep(step: Step): WireStep {
    if ('bulk' in step) {
      return { text: this.#bulkTexts.of(step.bulk), count: step.columns[0]?.length ?? 0, columns: step.columns }
    }
    const { text, values } = statementOf(step, sqlite)
    return { text, count: 1, columns: values.map((value) => [value]) }
  }

  #ask(request: Exclude<Request, { kind: 'part' }>): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const worker = this.#post(request)
      // A process may end when it waits for nothing, and must not while it does.
      if (this.#waiting.size === 0) worker.ref()
      this.#waiting.set(request.id, { resolve, reject })
    })
  }

  #post(request: Request): Worker {
    if (this.#isClosed) throw new StorageError('unavailable', 'the database is closed')
    this.#worker ??= this.#start()
    this.#worker.postMessage(request, [])
    return this.#worker
  }

  #start(): Worker {
    const { path, workerSource } = this.#options
    const worker = new Worker(workerSource, { workerData: { path }, eval: typeof workerSource === 'string' })
    worker.unref()
    worker.on('message', (answer: Answer) => this.#receive(worker, answer))
    worker.on('error', (error) => this.#lose(worker, error))
    worker.on('exit', () => this.#lose(worker, undefined))
    return worker
  }

  #receive(worker: Worker, answer: Answer): void {
    const waiting = this.#waiting.get(answer.id)
    if (waiting === undefined) return
    this.#waiting.delete(answer.id)
    if (this.#waiting.size === 0) worker.unref()
    if ('error' in answer) waiting.reject(new StorageError('failed', `the database refused: ${answer.error}`))
    else waiting.resolve(answer.result)
  }

  /** The thread has ended: nobody will answer what was asked. The next request starts another one. */
  #lose(worker: Worker, cause: unknown): void {
    if (this.#worker !== worker) return
    this.#worker = undefined
    const reason = cause instanceof Error ? cause.message : 'its thread has ended'
    const text = `the database ${this.#options.path} cannot be used: ${reason}`
    const error = new StorageError('unavailable', text, { cause })
    for (const waiting of this.#waiting.values()) waiting.reject(error)
    this.#waiting.clear()
  }
}

function objectsOf({ columns, rows }: Rows): readonly unknown[] {
  return rows.map((row) => {
    const object: Record<string, SqlValue> = {}
    for (let i = 0; i < columns.length; i++) object[columns[i]!] = row[i]!
    return object
  })
}

interface Waiting {
  resolve(result: unknown): void
  reject(error: StorageError): void
}
