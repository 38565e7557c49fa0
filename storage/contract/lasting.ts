/** The contract about what is still there when a database is opened again, and about who may open it. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Test } from 'tap'
import type { Bed, Lasting } from '../contract.ts'
import type { Driver } from '../driver.ts'
import { StorageError } from '../storage-error.ts'
import { TestClock } from './test-clock.ts'

const NOON = Date.UTC(2026, 5, 1, 12)
const item = { when: new Date(NOON), with: 'juliet@x', stanza: '<message/>' }

export async function lastingContract(suite: Test, bed: Bed): Promise<void> {
  const { lasting } = bed
  if (lasting === undefined) {
    suite.pass('nothing lasts')
    return
  }
  await suite.test('several processes may open a new database at once', (t) => opensTogether(t, lasting))
  await suite.test('keeps what was there, and goes on from it', (t) => reopens(t, bed))
  await suite.test('purges while others write', (t) => purgesInBetween(t, bed))
  await suite.test('writes what waits when it is closed', (t) => flushes(t, bed))
  await suite.test('rejects all of a batch that fails, and goes on', (t) => fails(t, bed, lasting))
  await suite.test('does not touch a database that is newer', (t) => refusesNewer(t, bed, lasting))
}

async function opensTogether(t: Test, { options }: Lasting): Promise<void> {
  const processes = [1, 2, 3].map(() => run(process.execPath, [OPEN_STORAGE, JSON.stringify(options)]))
  for (const { stdout } of await Promise.all(processes)) t.equal(stdout, 'opened')
}

async function refusesNewer(t: Test, bed: Bed, lasting: Lasting): Promise<void> {
  await lasting.execute(`INSERT INTO migration (number, name) VALUES (9999, 'from the future')`)
  await t.rejects(bed.open(new TestClock(NOON)), { name: 'StorageError', reason: 'newer', message: /9999/ })
  await lasting.execute('DELETE FROM migration WHERE number = 9999')
  const driver = await bed.open(new TestClock(NOON))
  await driver.close()
}

const run = promisify(execFile)
const OPEN_STORAGE = fileURLToPath(new URL('./open-storage.ts', import.meta.url))

async function reopens(t: Test, bed: Bed): Promise<void> {
  const first = await bed.open(new TestClock(NOON))
  const [values, archive] = [await first.values('a.example', 'roster'), await first.archive('a.example', 'archive')]
  await values.put('romeo', [['juliet', 'a']])
  const old = archive.append('romeo', item)
  await old.stored
  await first.close()

  // The machine has lost its clock.
  const second = await bed.open(new TestClock(Date.UTC(2019, 11, 31)))
  t.equal(await (await second.values('a.example', 'roster')).get('romeo', 'juliet'), 'a')
  const again = await second.archive('a.example', 'archive')
  const next = again.append('romeo', { ...item, with: 'nurse@x' })
  await next.stored
  t.ok(next.id > old.id, 'ids go on where they were')
  t.strictSame(await again.find('romeo', { limit: 10, start: item.when }), [
    { id: old.id, ...item },
    { id: next.id, ...item, with: 'nurse@x' },
  ])
  await second.close()
}

/** One owner for each moment of a purge: what is appended in it, and after it, is kept. */
async function purgesInBetween(t: Test, bed: Bed): Promise<void> {
  const owners = Array.from({ length: 16 }, (_, turn) => ({ owner: `romeo${turn}`, turn }))
  const first = await bed.open(new TestClock(NOON))
  const archive = await first.archive('busy.example', 'archive')
  const kept = new Map<string, string[]>()
  for (const { owner, turn } of owners) {
    await archive.append(owner, item).stored
    await archive.remove(owner, {})
    const purged = first.purge('busy.example', owner)
    for (let i = 0; i < turn; i++) await new Promise((resolve) => setImmediate(resolve))
    const during = archive.append(owner, item)
    await purged
    const after = archive.append(owner, item)
    await Promise.all([during.stored, after.stored])
    kept.set(owner, [during.id, after.id])
  }
  await first.close()

  const second = await bed.open(new TestClock(NOON))
  const again = await second.archive('busy.example', 'archive')
  for (const [owner, ids] of kept) {
    const found = await again.find(owner, { limit: 10 })
    t.same(
      found.map(({ id }) => id),
      ids,
      owner,
    )
  }
  await second.close()
}

async function flushes(t: Test, bed: Bed): Promise<void> {
  const first = await bed.open(new TestClock(NOON))
  const writing = (await first.values('flush.example', 'roster')).put('romeo', [['juliet', 'a']])
  const { id, stored } = (await first.archive('flush.example', 'archive')).append('romeo', item)
  await first.close()
  await Promise.all([writing, stored])
  await refusesWhenClosed(t, first)

  const second = await bed.open(new TestClock(NOON))
  t.equal(await (await second.values('flush.example', 'roster')).get('romeo', 'juliet'), 'a')
  t.equal(await (await second.archive('flush.example', 'archive')).has('romeo', id), true)
  await second.close()
}

async function refusesWhenClosed(t: Test, driver: Driver): Promise<void> {
  const isClosed = { name: 'StorageError', reason: 'unavailable' }
  await t.rejects(driver.values('flush.example', 'roster'), isClosed)
  await t.rejects(driver.purge('flush.example', 'romeo'), isClosed)
  await driver.close()
}

async function fails(t: Test, bed: Bed, lasting: Lasting): Promise<void> {
  const driver = await bed.open(new TestClock(NOON))
  const [values, archive] = [await driver.values('f.example', 'roster'), await driver.archive('f.example', 'archive')]
  await archive.append('romeo', item).stored

  await lasting.execute('ALTER TABLE archive_item RENAME TO elsewhere')
  const writes = [
    values.put('romeo', [['juliet', 'a']]),
    archive.append('romeo', item).stored,
    archive.append('new-owner', { ...item, with: 'new-peer@x', when: new Date(0) }).stored,
    archive.remove('romeo', { with: 'a@x' }),
    values.put('romeo', [['nurse', 'a']]),
  ]
  for (const result of await Promise.allSettled(writes)) {
    t.equal(result.status, 'rejected')
    if (result.status === 'rejected') t.ok(result.reason instanceof StorageError)
  }
  t.equal((await values.all('romeo')).size, 0, 'all or nothing')
  await t.rejects(archive.find('romeo', { limit: 1 }), { name: 'StorageError', reason: 'failed' })

  await lasting.execute('ALTER TABLE elsewhere RENAME TO archive_item')
  await values.put('romeo', [['juliet', 'b']])
  await archive.append('new-owner', { ...item, with: 'new-peer@x', when: new Date(0) }).stored
  t.equal(await archive.count('new-owner', { end: new Date(0) }), 1)
  t.equal(await archive.count('romeo', {}), 1)
  await driver.close()

  const again = await bed.open(new TestClock(NOON))
  t.equal(await (await again.archive('f.example', 'archive')).count('new-owner', { end: new Date(0) }), 1)
  await again.close()
}
