/** PostgreSQL: one connection that writes, a few that read. */
import pg from 'pg'
import { BulkTexts } from '../sql/bulk-texts.ts'
import type { Database, Session, Step } from '../sql/database.ts'
import { postgres } from '../sql/dialect.ts'
import { endOfTurn } from '../sql/end-of-turn.ts'
import { type Sql, statementOf } from '../sql/sql.ts'
import { StorageError } from '../storage-error.ts'
import {
  clientConfig,
  Connection,
  isLost,
  patiently,
  type PostgresOptions,
  storageError,
  timedConfig,
} from './connection.ts'

export class PostgresDatabase implements Database {
  readonly dialect = postgres
  readonly #options: PostgresOptions
  readonly #connection: Connection
  readonly #readers: pg.Pool
  /** Prepared statements have names; texts are written in the source, so there are few. */
  readonly #names = new Map<string, string>()
  readonly #bulkTexts = new BulkTexts(postgres)
  #lastTransaction: Promise<unknown> = Promise.resolve()
  #isClosed = false

  constructor(options: PostgresOptions) {
    this.#options = options
    this.#connection = new Connection(options)
    this.#readers = new pg.Pool({ ...timedConfig(options.url), max: READERS, allowExitOnIdle: true })
    // The pool has let go of that connection and makes another when it needs one.
    this.#readers.on('error', (error) => options.log?.warn('connection to the database was lost', { error }))
  }

  lookUp<Row>(query: Sql): Promise<readonly Row[]> {
    return this.query(query)
  }

  async query<Row>(query: Sql): Promise<readonly Row[]> {
    if (this.#isClosed) throw new StorageError('unavailable', 'the database is closed')
    const statement = this.#prepared(statementOf(query, postgres))
    // Reading may be tried again, as when the pool did not know yet that its connections are dead.
    const { rows } = await patiently(() => this.#readers.query(statement))
    // They have the columns of the statement, which the caller has written.
    return rows as readonly Row[]
  }

  transaction(steps: Iterable<Step>): Promise<readonly number[]> {
    if (this.#isClosed) return Promise.reject(new StorageError('unavailable', 'the database is closed'))
    // The statements of two transactions must not mix on one connection.
    const done = this.#lastTransaction.then(() => this.#transact(steps))
    this.#lastTransaction = done.catch(() => {})
    return done
  }

  async exclusive<T>(work: (session: Session) => Promise<T>): Promise<T> {
    // Not the usual connection: a migration may take longer than anything else ever should.
    const client = new pg.Client(clientConfig(this.#options.url))
    client.on('error', () => {})
    try {
      await client.connect()
      await client.query('BEGIN')
      await client.query('SELECT pg_advisory_xact_lock($1)', [LOCK])
      const result = await work({
        dialect: postgres,
        execute: async (text) => void (await client.query(text)),
        query: async <Row>(query: Sql) => {
          const { text, values } = statementOf(query, postgres)
          const { rows } = await client.query(text, [...values])
          // They have the columns of the statement, which the caller has written.
          return rows as readonly Row[]
        },
      })
      await client.query('COMMIT')
      return result
    } catch (error) {
      throw storageError(error)
    } finally {
      await client.end()
    }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    await this.#lastTransaction
    await this.#connection.drop()
    await this.#readers.end()
  }

  async #transact(steps: Iterable<Step>): Promise<readonly number[]> {
    const client = await this.#connection.client()
    try {
      return await this.#commit(client, steps)
    } catch (error) {
      // Whether it was committed cannot be known. To end it properly might take as long as the error did.
      if (isLost(error)) void this.#connection.drop()
      throw storageError(error)
    }
  }

  async #commit(client: pg.Client, steps: Iterable<Step>): Promise<readonly number[]> {
    const answers: Promise<pg.QueryResult>[] = []
    const send = (query: pg.QueryConfig): void => {
      const answer = client.query(query)
      // Looked at below, when all have been sent.
      answer.catch(() => {})
      answers.push(answer)
    }
    let last: Step | undefined
    for (const step of steps) {
      if (last !== undefined) {
        if (answers.length === 0) send({ text: 'BEGIN' })
        send(this.#queryOf(last))
        await endOfTurn()
      }
      last = step
    }
    if (last === undefined) return []
    // A single statement is a transaction by itself.
    const isSingle = answers.length === 0
    send(this.#queryOf(last))
    // After an error this rolls back.
    if (!isSingle) send({ text: 'COMMIT' })
    const results = await Promise.all(answers)
    return (isSingle ? results : results.slice(1, -1)).map(({ rowCount }) => rowCount ?? 0)
  }

  #queryOf(step: Step): pg.QueryConfig {
    if ('bulk' in step) return this.#prepared({ text: this.#bulkTexts.of(step.bulk), values: step.columns })
    return this.#prepared(statementOf(step, postgres))
  }

  #prepared({ text, values }: { readonly text: string; readonly values: readonly unknown[] }): pg.QueryConfig {
    const name = this.#names.get(text) ?? `madrigal${this.#names.size}`
    this.#names.set(text, name)
    return { name, text, values: [...values] }
  }
}

/** Connections that read. */
const READERS = 4

/** The lock of a migration, in a number space that all users of the database share. */
const LOCK = 0x6d61_6472
