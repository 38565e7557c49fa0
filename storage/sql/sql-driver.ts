/** The stores on top of any SQL database. */
import type { Log } from '../../server/log/log.ts'
import type { Clock } from '../../server/util/clock.ts'
import { ArchiveIds } from '../archive-id.ts'
import { everything } from '../archive-filter.ts'
import type { Driver, ValueTable } from '../driver.ts'
import { StorageError } from '../storage-error.ts'
import type { ArchiveStore, Owner, TextOf } from '../store.ts'
import { type Base, SqlArchive } from './archive.ts'
import type { Change, ItemChange, StatementChange } from './change.ts'
import type { Database, Step } from './database.ts'
import { migrate } from './migrate.ts'
import { migrations } from './migrations/all.ts'
import { Numbers } from './numbers.ts'
import { type PlannedStep, planOf } from './plan.ts'
import { type OwnedArchive, removeItems } from './removal.ts'
import { sql } from './sql.ts'
import { SqlValues } from './values.ts'
import { WordIndex } from './word-index.ts'
import { type Counts, Writer } from './writer.ts'

/** What the driver gets from the server. */
export interface SqlDriverGiven {
  readonly clock: Pick<Clock, 'now' | 'after'>
  readonly log?: Pick<Log, 'warn'> | undefined
}

export class SqlDriver implements Driver {
  readonly #base: Base

  /** Takes over the database and brings its tables up to date. Throws a StorageError if they are newer than this code. */
  static async open(database: Database, { clock, log }: SqlDriverGiven): Promise<SqlDriver> {
    try {
      await migrate(database, migrations)
      const [row] = await database.query<{ last: number | null }>(sql`SELECT max(id) AS last FROM archive_item`)
      const ids = new ArchiveIds(clock, row?.last ?? 0)
      const numbers = new Numbers(database)
      const writer = new Writer((changes) => commit(database, numbers, changes))
      const index = await WordIndex.open({ database, writer, clock, log })
      return new SqlDriver({ database, numbers, ids, writer, index })
    } catch (error) {
      await database.close()
      throw error
    }
  }

  private constructor(base: Base) {
    this.#base = base
  }

  async values(host: string, store: string): Promise<ValueTable> {
    const { database, writer } = this.#base
    return new SqlValues(database, writer, await this.#storeNumber(host, store))
  }

  async archive(host: string, store: string, textOf?: TextOf): Promise<ArchiveStore> {
    const number = await this.#storeNumber(host, store)
    if (textOf !== undefined) await this.#base.index.include(number, textOf)
    return new SqlArchive(this.#base, number, textOf)
  }

  indexed(): Promise<void> {
    return this.#base.index.catchUp()
  }

  async purge(host: string, owner: Owner): Promise<void> {
    const { database, writer, ids } = this.#base
    const filter = { ...everything, before: ids.last + 1 }
    const ownersRows = sql`owner = ${owner} AND store IN (SELECT number FROM store WHERE host = ${host})`
    await writer.run({ kind: 'statement', owner, statement: sql`DELETE FROM keyval WHERE ${ownersRows}` })
    const archives = await database.query<OwnedArchive>(sql`SELECT number, owner FROM archive WHERE ${ownersRows}`)
    await removeItems(this.#base, archives, 0, filter)
    const statement = sql`
      DELETE FROM archive WHERE ${ownersRows}
        AND NOT EXISTS (SELECT 1 FROM archive_item WHERE archive_item.archive = archive.number)`
    await writer.run({ kind: 'statement', owner, statement, removesArchives: true })
  }

  async close(): Promise<void> {
    await this.#base.index.close()
    await this.#base.writer.close()
    await this.#base.database.close()
  }

  async #storeNumber(host: string, name: string): Promise<number> {
    const { database } = this.#base
    const known = await findStore(database, host, name)
    if (known !== undefined) return known
    await database.transaction([sql`INSERT INTO store (host, name) VALUES (${host}, ${name}) ON CONFLICT DO NOTHING`])
    const made = await findStore(database, host, name)
    if (made === undefined) throw new StorageError('failed', 'a store could not be created')
    return made
  }
}

async function findStore(database: Database, host: string, name: string): Promise<number | undefined> {
  const [row] = await database.query<{ number: number }>(sql`
    SELECT number FROM store WHERE host = ${host} AND name = ${name}`)
  return row?.number
}

async function commit(database: Database, numbers: Numbers, changes: readonly Change[]): Promise<Counts> {
  const isItem = (change: Change): change is ItemChange => change.kind === 'item'
  try {
    const filings = await numbers.filings(changes.filter(isItem))
    const statements: (StatementChange | undefined)[] = []
    const plan = planOf(changes, { filings, insertWords: database.dialect.words.insert })
    const counts = await database.transaction(stepsOf(plan, statements))
    const last = changes.at(-1)
    if (last?.kind === 'statement' && last.removesArchives === true) numbers.forgetArchives()
    return countsOf(statements, counts)
  } catch (error) {
    // What is known of archives includes what this transaction would have written about them.
    numbers.forgetArchives()
    throw error
  }
}

/** Notes which of the steps are statements whose count is asked for. */
function* stepsOf(plan: Iterable<PlannedStep>, statements: (StatementChange | undefined)[]): Generator<Step> {
  for (const { step, change } of plan) {
    statements.push(change)
    yield step
  }
}

function countsOf(statements: readonly (StatementChange | undefined)[], counts: readonly number[]): Counts {
  const byStatement = new Map<StatementChange, number>()
  for (const [i, statement] of statements.entries()) {
    if (statement !== undefined) byStatement.set(statement, counts[i]!)
  }
  return byStatement
}
