/** PostgreSQL: what happens when it goes away, and the server that tests use. */
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import t from 'tap'
import { systemClock } from '../../server/util/clock.ts'
import { PostgresDatabase } from '../../storage/postgres/postgres-database.ts'
import { sql } from '../../storage/sql/sql.ts'
import { SqlDriver } from '../../storage/sql/sql-driver.ts'
import { startPostgres } from '../support/postgres.ts'

await using postgres = await startPostgres()

/** Stands between us and the database, and can be taken away. */
class Wire {
  readonly #path: string
  readonly #target: string
  readonly #sockets = new Set<Socket>()
  #server: Server | undefined

  constructor(path: string, target: string) {
    this.#path = path
    this.#target = target
  }

  async up(): Promise<void> {
    this.#server = createServer((near) => {
      const far = connect(this.#target)
      for (const socket of [near, far]) {
        this.#sockets.add(socket)
        socket.on('error', () => {}).on('close', () => this.#sockets.delete(socket))
      }
      near.pipe(far).pipe(near)
    })
    await once(this.#server.listen(this.#path), 'listening')
  }

  /** Nothing that is sent arrives any more, though nobody has been told. */
  hold(): void {
    for (const socket of this.#sockets) socket.unpipe().pause()
  }

  async down(): Promise<void> {
    const closed = new Promise((resolve) => this.#server?.close(resolve))
    for (const socket of this.#sockets) socket.destroy()
    await closed
  }
}

await t.test('goes on when the database has been away', async (t) => {
  const database = await postgres.createDatabase()
  const folder = await mkdtemp(join(tmpdir(), 'madrigal-wire-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const url = new URL(database.url)
  const wire = new Wire(join(folder, '.s.PGSQL.5432'), `${url.searchParams.get('host')}/.s.PGSQL.5432`)
  url.searchParams.set('host', folder)
  await wire.up()

  const driver = await SqlDriver.open(new PostgresDatabase({ url: url.href }), { clock: systemClock })
  const table = await driver.values('a.example', 'roster')
  const archive = await driver.archive('a.example', 'archive')
  const item = { when: new Date(), with: 'juliet@x', stanza: '<message/>' }
  await archive.append('romeo', item).stored

  await t.test('what was on its way is refused', async (t) => {
    wire.hold()
    const writes = [archive.append('romeo', item).stored, table.put('romeo', [['juliet', 'a']])]
    const refused = Promise.allSettled(writes)
    // After the end of the turn, in which the transaction is sent.
    await new Promise((resolve) => setTimeout(resolve, 20))
    await wire.down()
    for (const result of await refused) {
      t.match(result, { status: 'rejected', reason: { name: 'StorageError', reason: 'unavailable' } })
    }
  })

  await t.test('what comes while it is away waits for it', async (t) => {
    const id = archive.append('romeo', item)
    const count = archive.count('romeo', {})
    const other = table.get('juliet', 'romeo')
    await wire.up()
    await id.stored
    t.equal(await count, 2)
    t.equal(await other, undefined)
    t.equal(await table.get('romeo', 'juliet'), undefined)
  })

  await driver.close()
  await wire.down()
  await t.rejects(SqlDriver.open(new PostgresDatabase({ url: url.href }), { clock: systemClock }), {
    name: 'StorageError',
    reason: 'unavailable',
  })
})

await t.test('goes on when its connections are terminated', async (t) => {
  const { url } = await postgres.createDatabase()
  const lost: string[] = []
  const log = { warn: (phrase: string) => void lost.push(phrase) }
  const driver = await SqlDriver.open(new PostgresDatabase({ url, log }), { clock: systemClock })
  const table = await driver.values('a.example', 'roster')
  await table.put('romeo', [['juliet', 'a']])
  await query(url, 'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = $1', ['madrigal'])
  t.equal(await table.get('romeo', 'juliet'), 'a')
  // This one may be on a connection of whose end we have not heard.
  await table.put('romeo', [['juliet', 'b']]).catch(() => {})
  await table.put('romeo', [['juliet', 'c']])
  t.equal(await table.get('romeo', 'juliet'), 'c')
  t.ok(lost.includes('connection to the database was lost'))
  await driver.close()
})

await t.test('waits for the disk also where that has been turned off', async (t) => {
  const { url } = await postgres.createDatabase()
  const name = new URL(url).pathname.slice(1)
  await query(url, `ALTER DATABASE ${name} SET synchronous_commit = off`, [])
  const database = new PostgresDatabase({ url })
  await database.exclusive((session) => session.execute('CREATE TABLE setting (value TEXT)'))
  await database.transaction([sql`INSERT INTO setting SELECT current_setting('synchronous_commit')`])
  t.same(await database.query(sql`SELECT value FROM setting`), [{ value: 'on' }])
  await database.close()
})

await t.test('tests get databases of their own, or schemas where they may not make one', async (t) => {
  const admin = await postgres.createDatabase()
  await query(
    admin.url,
    `CREATE ROLE humble LOGIN; GRANT ALL ON DATABASE ${new URL(admin.url).pathname.slice(1)} TO humble`,
  )
  const url = new URL(admin.url)
  url.username = 'humble'
  process.env['MADRIGAL_TEST_PG'] = url.href
  t.teardown(() => delete process.env['MADRIGAL_TEST_PG'])
  await using given = await startPostgres()
  const [one, two] = [await given.createDatabase(), await given.createDatabase()]
  await query(one.url, 'CREATE TABLE mine (n INTEGER)')
  await t.rejects(query(two.url, 'SELECT * FROM mine'), /does not exist/)
  await query(one.url, 'SELECT * FROM mine')
  await one[Symbol.asyncDispose]()
  await two[Symbol.asyncDispose]()
  t.same(await query(admin.url, `SELECT 1 FROM pg_namespace WHERE nspname LIKE 'madrigal_test_%'`), [])
})

async function query(url: string, text: string, values?: readonly string[]): Promise<readonly unknown[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rows } = await client.query<object>(text, values && [...values])
    return rows
  } finally {
    await client.end()
  }
}
