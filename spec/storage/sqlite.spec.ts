/** SQLite in its thread: what is particular to it. */
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import t from 'tap'
import { systemClock } from '../../server/util/clock.ts'
import { sql } from '../../storage/sql/sql.ts'
import { SqlDriver } from '../../storage/sql/sql-driver.ts'
import { SqliteDatabase } from '../../storage/sqlite/sqlite-database.ts'

const workerUrl = new URL('../../storage/sqlite/worker.ts', import.meta.url)
const folder = await mkdtemp(join(tmpdir(), 'madrigal-sqlite-'))
t.teardown(() => rm(folder, { recursive: true }))

await t.test('runs from a bundled script, as in a single executable', async (t) => {
  const options = { bundle: true, platform: 'node', format: 'cjs', write: false } as const
  const { outputFiles } = await build({ entryPoints: [fileURLToPath(workerUrl)], ...options })
  const workerSource = outputFiles[0]!.text
  const driver = await SqlDriver.open(new SqliteDatabase({ path: join(folder, 'bundled.db'), workerSource }), {
    clock: systemClock,
  })
  const table = await driver.values('a.example', 'roster')
  await table.put('romeo', [['juliet', 'a']])
  t.equal(await table.get('romeo', 'juliet'), 'a')
  await driver.close()
})

await t.test('nobody else may read the files', async (t) => {
  const home = join(folder, 'private')
  const database = new SqliteDatabase({ path: join(home, 'madrigal.db'), workerSource: workerUrl })
  const driver = await SqlDriver.open(database, { clock: systemClock })
  t.same((await readdir(home)).toSorted(), ['madrigal.db', 'madrigal.db-shm', 'madrigal.db-wal'])
  for (const file of ['', ...(await readdir(home))]) t.equal((await stat(join(home, file))).mode & 0o077, 0, file)
  await driver.close()
  t.same(await readdir(home), ['madrigal.db'], 'closed, it is one file')
})

await t.test('a thread that has died is replaced', async (t) => {
  const flag = join(folder, 'die')
  const code = `
    const { existsSync } = require('node:fs')
    const { parentPort } = require('node:worker_threads')
    const on = parentPort.on.bind(parentPort)
    parentPort.on = (event, listener) => on(event, (message) => {
      if (existsSync(${JSON.stringify(flag)})) process.exit(1)
      listener(message)
    })
    import(${JSON.stringify(workerUrl.href)})`
  const database = new SqliteDatabase({ path: join(folder, 'mortal.db'), workerSource: code })
  await database.exclusive((session) => session.execute('CREATE TABLE numbers (n INTEGER)'))
  await database.transaction([sql`INSERT INTO numbers VALUES (1)`])
  await writeFile(flag, '')
  const steps = [sql`INSERT INTO numbers VALUES (2)`, sql`INSERT INTO numbers VALUES (3)`]
  await t.rejects(database.transaction(steps), { name: 'StorageError' }, 'nothing is said to be done')
  await rm(flag)
  t.same(await database.transaction(steps), [1, 1])
  t.same(await database.query(sql`SELECT n FROM numbers`), [{ n: 1 }, { n: 2 }, { n: 3 }])
  await database.close()
  await t.rejects(database.query(sql`SELECT 1`), { name: 'StorageError', reason: 'unavailable' })
})

await t.test('a file that is no database is refused and left alone', async (t) => {
  const path = join(folder, 'letter.txt')
  await writeFile(path, 'But soft, what light through yonder window breaks? '.repeat(100))
  const database = new SqliteDatabase({ path, workerSource: workerUrl })
  await t.rejects(SqlDriver.open(database, { clock: systemClock }), { name: 'StorageError', reason: 'unavailable' })
  t.equal((await stat(path)).size, 5100)
  t.notOk(existsSync(`${path}-wal`))
})

await t.test('waits for another process that is writing', async (t) => {
  const path = join(folder, 'shared.db')
  const driver = await SqlDriver.open(new SqliteDatabase({ path, workerSource: workerUrl }), { clock: systemClock })
  const table = await driver.values('a.example', 'roster')
  const other = new DatabaseSync(path)
  other.exec('BEGIN IMMEDIATE')
  const written = table.put('romeo', [['juliet', 'a']])
  setTimeout(() => other.exec('COMMIT'), 50)
  await written
  t.equal(await table.get('romeo', 'juliet'), 'a')
  other.close()
  await driver.close()
})
