/** Brings the tables of a database to what this version of the server expects. */
import { StorageError } from '../storage-error.ts'
import type { Database, Session } from './database.ts'
import { sql } from './sql.ts'

/** One step in the history of the tables. Never edited once released. */
export interface Migration {
  /** From 1, without gaps. */
  readonly number: number
  readonly name: string
  up(session: Session): Promise<void>
}

/**
 * Runs what has not been run yet, all or nothing, with every other process
 * kept out. Throws a StorageError if the database has seen a migration that
 * this version does not know: it must not write to tables it does not understand.
 */
export async function migrate(database: Database, migrations: readonly Migration[]): Promise<void> {
  await database.exclusive(async (session) => {
    await session.execute(CREATE_TABLE)
    const [row] = await session.query<{ last: number | null }>(sql`SELECT max(number) AS last FROM migration`)
    const last = row?.last ?? 0
    const newest = migrations.at(-1)?.number ?? 0
    if (last > newest) {
      throw new StorageError(
        'newer',
        `the database has tables of version ${last}, and this version of the server knows them up to ${newest}: ` +
          'it needs the newer version that has written it',
      )
    }
    for (const migration of migrations) {
      if (migration.number <= last) continue
      await migration.up(session)
      await session.query(sql`INSERT INTO migration (number, name) VALUES (${migration.number}, ${migration.name})`)
    }
  })
}

const CREATE_TABLE = 'CREATE TABLE IF NOT EXISTS migration (number INTEGER PRIMARY KEY, name TEXT NOT NULL)'
