/** All drivers against the one contract. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import pg from 'pg'
import t from 'tap'
import { type Bed, driverContract } from '../../storage/contract.ts'
import { MemoryDriver } from '../../storage/memory/memory-driver.ts'
import { PostgresDatabase } from '../../storage/postgres/postgres-database.ts'
import { SqlDriver } from '../../storage/sql/sql-driver.ts'
import { SqliteDatabase } from '../../storage/sqlite/sqlite-database.ts'
import { startPostgres } from '../support/postgres.ts'

const workerSource = new URL('../../storage/sqlite/worker.ts', import.meta.url)

await t.test('memory', (t) => driverContract(t, async () => ({ open: async (clock) => new MemoryDriver(clock) })))

await t.test('SQLite', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'madrigal-sqlite-'))
  t.teardown(() => rm(folder, { recursive: true }))
  let beds = 0
  await driverContract(t, async () => sqliteBed(join(folder, `${beds++}`, 'madrigal.db')))
})

await t.test('PostgreSQL', async (t) => {
  await using postgres = await startPostgres()
  await driverContract(t, async () => postgresBed((await postgres.createDatabase()).url))
})

function sqliteBed(path: string): Bed {
  return {
    open: (clock) => SqlDriver.open(new SqliteDatabase({ path, workerSource }), { clock }),
    lasting: {
      options: { driver: 'sqlite', path },
      async execute(sql) {
        const database = new DatabaseSync(path, { timeout: 5000 })
        database.exec(sql)
        database.close()
      },
    },
  }
}

function postgresBed(url: string): Bed {
  return {
    open: (clock) => SqlDriver.open(new PostgresDatabase({ url }), { clock }),
    lasting: {
      options: { driver: 'postgres', url },
      async execute(sql) {
        const client = new pg.Client({ connectionString: url })
        await client.connect()
        await client.query(sql)
        await client.end()
      },
    },
  }
}
