/** When words are indexed, and what happens to those that were passed by. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import t from 'tap'
import type { ArchiveStore } from '../../storage/store.ts'
import { SqlDriver } from '../../storage/sql/sql-driver.ts'
import { SqliteDatabase } from '../../storage/sqlite/sqlite-database.ts'
import { FakeClock } from '../support/fake-clock.ts'

const NOON = Date.UTC(2026, 5, 1, 12)
const workerSource = new URL('../../storage/sqlite/worker.ts', import.meta.url)
const folder = await mkdtemp(join(tmpdir(), 'madrigal-words-'))
t.teardown(() => rm(folder, { recursive: true }))
const textOf = (stanza: string): string => stanza

/** A database behind its back: what is indexed, and of which stores. */
function look(path: string): { readonly last: number; readonly words: number; readonly searchable: number } {
  const database = new DatabaseSync(path, { readOnly: true })
  const count = (text: string): number => Number(Object.values(database.prepare(text).get() ?? {})[0])
  const seen = {
    last: count('SELECT last FROM archive_indexed'),
    words: count('SELECT count(*) FROM archive_words'),
    searchable: count('SELECT count(*) FROM store WHERE searchable = 1'),
  }
  database.close()
  return seen
}

async function appendMany(archive: ArchiveStore, count: number): Promise<void> {
  const item = { when: new Date(NOON), with: 'juliet@x', stanza: 'a rose' }
  await Promise.all(Array.from({ length: count }, () => archive.append('romeo', item).stored))
}

/** Lets that many milliseconds pass, in small steps with turns between them, as a slice takes several. */
async function pass(clock: FakeClock, milliseconds: number): Promise<void> {
  for (let passed = 0; passed < milliseconds; passed += 100) {
    clock.advance(100)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

await t.test('what is appended is indexed after a while, in slices', async (t) => {
  const path = join(folder, 'slices.db')
  const clock = new FakeClock(NOON)
  const driver = await SqlDriver.open(new SqliteDatabase({ path, workerSource }), { clock })
  const archive = await driver.archive('a.example', 'archive', textOf)
  await pass(clock, 6000)
  await appendMany(archive, 600)
  t.equal(look(path).words, 0, 'nobody waits for it')
  t.equal(await archive.count('romeo', { text: 'rose' }), 600)
  await pass(clock, 20_000)
  t.equal(look(path).words, 600)
  t.equal(await archive.count('romeo', { text: 'rose' }), 600)
  await driver.close()
})

await t.test('a store that is not opened for a while is indexed when it is again', async (t) => {
  const path = join(folder, 'passed.db')
  const open = (): Promise<SqlDriver> =>
    SqlDriver.open(new SqliteDatabase({ path, workerSource }), { clock: new FakeClock(NOON) })
  const first = await open()
  await appendMany(await first.archive('a.example', 'archive', textOf), 3)
  t.equal(look(path).searchable, 1)
  await first.close()

  const second = await open()
  await appendMany(await second.archive('a.example', 'other', textOf), 2)
  await second.indexed()
  t.same([look(path).words, look(path).searchable], [2, 1], 'its items were passed by, and that is known')
  await second.close()

  const third = await open()
  const archive = await third.archive('a.example', 'archive', textOf)
  t.equal(look(path).last, 0)
  t.equal(await archive.count('romeo', { text: 'rose' }), 3, 'and they are found in the meantime')
  await third.indexed()
  t.same([look(path).words, look(path).searchable], [5, 2])
  t.equal(await archive.count('romeo', { text: 'rose' }), 3)
  await third.close()
})

await t.test('an index that cannot be written is said once a minute, and made up for', async (t) => {
  const path = join(folder, 'broken.db')
  const clock = new FakeClock(NOON)
  const warnings: string[] = []
  const log = { warn: (text: string) => void warnings.push(text) }
  const driver = await SqlDriver.open(new SqliteDatabase({ path, workerSource }), { clock, log })
  const archive = await driver.archive('a.example', 'archive', textOf)
  const database = new DatabaseSync(path, { timeout: 5000 })
  database.exec('ALTER TABLE archive_indexed RENAME TO elsewhere')
  await appendMany(archive, 3)
  await pass(clock, 30_000)
  t.same(warnings, ['words of archives were not indexed'])
  t.equal(await archive.count('romeo', { text: 'rose' }), 3)
  database.exec('ALTER TABLE elsewhere RENAME TO archive_indexed')
  database.close()
  await pass(clock, 61_000)
  t.equal(look(path).words, 3)
  await driver.close()
})
