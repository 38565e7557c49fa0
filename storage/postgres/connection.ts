/** One connection to PostgreSQL that is made anew when it was lost. */
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import type { Log } from '../../server/log/log.ts'
import { StorageError } from '../storage-error.ts'

export interface PostgresOptions {
  /** `postgresql://user:password@host/database`; what it leaves out is taken from the environment, as by psql. */
  readonly url: string
  readonly log?: Pick<Log, 'warn'> | undefined
}

/** What every connection has in common. */
export function clientConfig(url: string): pg.ClientConfig {
  return {
    connectionString: url,
    application_name: 'madrigal',
    connectionTimeoutMillis: CONNECT_MILLISECONDS,
    keepAlive: true,
    types: { getTypeParser },
  }
}

/** The same for a connection on which nothing takes long. */
export function timedConfig(url: string): pg.ClientConfig {
  return { ...clientConfig(url), query_timeout: QUERY_MILLISECONDS, statement_timeout: QUERY_MILLISECONDS }
}

/** The connection that writes. Its statements are sent without waiting for the answers to earlier ones. */
export class Connection {
  readonly #options: PostgresOptions
  #client: pg.Client | undefined

  constructor(options: PostgresOptions) {
    this.#options = options
  }

  /** The client, connected; if the database is away, waits for it. */
  async client(): Promise<pg.Client> {
    return this.#client ?? patiently(() => this.#connect())
  }

  /** Lets go of a client whose state is in doubt; the next is a new one. */
  async drop(): Promise<void> {
    const client = this.#client
    this.#client = undefined
    await client?.end()
  }

  async #connect(): Promise<pg.Client> {
    const client = new pg.Client({ ...timedConfig(this.#options.url), pipeline: true })
    client.on('error', (error) => this.#lose(client, error))
    await client.connect()
    await client.query(KEEP_WHAT_IS_COMMITTED)
    this.#client = client
    return client
  }

  #lose(client: pg.Client, error: Error): void {
    if (this.#client !== client) return
    this.#client = undefined
    this.#options.log?.warn('connection to the database was lost', { error })
  }
}

/**
 * Tries until it succeeds, with growing pauses while the database is away;
 * throws a StorageError if it refuses, or is away for more than five seconds.
 */
export async function patiently<T>(attempt: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + CONNECT_MILLISECONDS
  for (let milliseconds = FIRST_PAUSE; ; milliseconds = Math.min(milliseconds * 2, LONGEST_PAUSE)) {
    try {
      return await attempt()
    } catch (error) {
      if (!isLost(error) || performance.now() + milliseconds > deadline) throw storageError(error)
    }
    await pause(milliseconds)
  }
}

/** An error of pg as one of ours. */
export function storageError(error: unknown): StorageError {
  if (error instanceof StorageError) return error
  const text = error instanceof Error ? error.message : String(error)
  if (isLost(error)) return new StorageError('unavailable', `the database cannot be reached: ${text}`, { cause: error })
  return new StorageError('failed', `the database refused: ${text}`, { cause: error })
}

/** Whether the connection is of no more use: the database has gone away, or has not answered in time. */
export function isLost(error: unknown): boolean {
  if (!(error instanceof pg.DatabaseError)) return true
  return error.code === undefined || LOST.test(error.code)
}

/** Connection exceptions, a server that became read-only, too many connections, shutdowns (PostgreSQL manual, appendix A). */
const LOST = /^(08|25006$|53300$|57P0)/

/** Reads the columns of our tables: integers, all of them safe, and texts. */
function getTypeParser(oid: number): (text: string) => unknown {
  return INTEGERS.includes(oid) ? Number : (text) => text
}

/** int8 and int4, as numbered in pg_type. */
const INTEGERS: readonly number[] = [20, 23]

/** Whoever turned this off for the sake of others did not mean us, who promise it. */
const KEEP_WHAT_IS_COMMITTED = `
  SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'`

const CONNECT_MILLISECONDS = 5000
const QUERY_MILLISECONDS = 10_000
const FIRST_PAUSE = 50
const LONGEST_PAUSE = 1000
