/** Stores as modules see them: opened by declaration, cached, purged; and the ids of archives. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import fc from 'fast-check'
import t from 'tap'
import { systemClock } from '../../server/util/clock.ts'
import { ArchiveIds, firstIdAt, idNumber, idText, millisecondOf } from '../../storage/archive-id.ts'
import { Cache } from '../../storage/cache.ts'
import { TestClock } from '../../storage/contract/test-clock.ts'
import type { ValueEntry, ValueTable } from '../../storage/driver.ts'
import { CachedKeyval } from '../../storage/keyval.ts'
import { CachedMap } from '../../storage/map.ts'
import { Storage, type StorageOptions } from '../../storage/storage.ts'
import { StorageError } from '../../storage/storage-error.ts'
import { archive, keyval, map } from '../../storage/store.ts'

const specs = {
  prefs: keyval<{ readonly default: string }>('archive_prefs'),
  roster: map<{ readonly name?: string }>('roster'),
  messages: archive('archive'),
}

const given = { clock: systemClock }

await t.test('a module gets the stores it has declared', async (t) => {
  const storage = await Storage.start({ driver: 'memory' }, given)
  const { prefs, roster, messages } = await storage.open('a.example', specs)
  await prefs.set('romeo', { default: 'always' })
  // Types follow from the declaration: this would not compile if it were not a string.
  const stored: string | undefined = (await prefs.get('romeo'))?.default
  t.equal(stored, 'always')
  await roster.setMany('romeo', [
    ['juliet@x', { name: 'J' }],
    ['nurse@x', {}],
  ])
  await roster.set('romeo', 'nurse@x', undefined)
  t.strictSame([...(await roster.all('romeo'))], [['juliet@x', { name: 'J' }]])
  t.strictSame(await roster.get('romeo', 'juliet@x'), { name: 'J' })
  t.strictSame(await Array.fromAsync(roster.owners()), ['romeo'])
  t.strictSame(await Array.fromAsync(prefs.owners()), ['romeo'])
  const { id, stored: kept } = messages.append('romeo', { when: new Date(), with: 'juliet@x', stanza: '<message/>' })
  await kept
  t.ok(await messages.has('romeo', id))

  const again = await storage.open('a.example', { same: map<{ readonly name?: string }>('roster') })
  t.equal(again.same, roster, 'another module that names the store shares it')
  await t.rejects(storage.open('a.example', { wrong: keyval('roster') }), /declared both as map and as keyval/)
  const elsewhere = await storage.open('b.example', specs)
  t.equal(await elsewhere.prefs.get('romeo'), undefined)

  await storage.purge('a.example', 'romeo')
  t.equal(await prefs.get('romeo'), undefined)
  t.equal((await roster.all('romeo')).size, 0)
  t.equal(await messages.count('romeo', {}), 0)
  await storage.close()
})

await t.test('stores go where the admin wants them', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'madrigal-storage-'))
  t.teardown(() => rm(folder, { recursive: true }))
  const path = join(folder, 'data', 'madrigal.db')
  const options: StorageOptions = { driver: 'sqlite', path, stores: { archive: 'memory' } }
  const first = await Storage.start(options, given)
  const one = await first.open('a.example', specs)
  await one.prefs.set('romeo', { default: 'never' })
  await one.roster.set('romeo', '__proto__', { name: 'constructor' })
  await one.messages.append('romeo', { when: new Date(), with: 'juliet@x', stanza: '<message/>' }).stored
  await one.prefs.set('juliet', { default: 'roster' })
  await first.close()

  const second = await Storage.start(options, given)
  const two = await second.open('a.example', specs)
  t.strictSame(await two.prefs.get('romeo'), { default: 'never' })
  t.strictSame(await two.roster.get('romeo', '__proto__'), { name: 'constructor' })
  t.equal(await two.messages.count('romeo', {}), 0, 'memory forgets')
  await two.messages.append('romeo', { when: new Date(), with: 'juliet@x', stanza: '<message/>' }).stored
  await second.purge('a.example', 'romeo')
  t.equal(await two.messages.count('romeo', {}), 0, 'a purge reaches every driver')
  await second.close()

  const file = new DatabaseSync(path)
  t.equal(file.prepare('SELECT count(*) AS n FROM keyval').get()?.['n'], 1, 'and only what is the owner’s')
  file.close()
})

await t.test('says what is missing or wrong before the server starts', async (t) => {
  await t.rejects(Storage.start({ driver: 'sqlite' }, given), StorageError)
  await t.rejects(Storage.start({ driver: 'memory', stores: { archive: 'postgres' } }, given), StorageError)
  await t.rejects(Storage.start({ driver: 'sqlite', path: '/dev/null/madrigal.db' }, given), StorageError)
})

/** A table that counts what it is asked and answers when it is told to. */
class SlowTable implements ValueTable {
  readonly texts = new Map<string, string>()
  reads = 0
  failing = false
  #gate = Promise.resolve()

  hold(): () => void {
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#gate = promise
    return resolve
  }

  async get(owner: string, key: string): Promise<string | undefined> {
    return (await this.all(owner)).get(key)
  }

  async all(owner: string): Promise<ReadonlyMap<string, string>> {
    this.reads++
    const found = [...this.texts].filter(([place]) => place.startsWith(`${owner}/`))
    await this.#gate
    if (this.failing) throw new StorageError('failed', 'as told')
    return new Map(found.map(([place, text]) => [place.slice(owner.length + 1), text]))
  }

  async put(owner: string, entries: readonly ValueEntry[]): Promise<void> {
    await this.#gate
    if (this.failing) throw new StorageError('failed', 'as told')
    for (const [key, text] of entries) {
      if (text === undefined) this.texts.delete(`${owner}/${key}`)
      else this.texts.set(`${owner}/${key}`, text)
    }
  }

  async clear(owner: string): Promise<void> {
    await this.put(
      owner,
      [...(await this.all(owner)).keys()].map((key) => [key, undefined]),
    )
  }

  async *owners(): AsyncGenerator<string> {}
}

await t.test('values are loaded once, however many ask', async (t) => {
  const table = new SlowTable()
  table.texts.set('romeo/', '1').set('romeo/a', '1')
  const open = table.hold()
  const store = new CachedKeyval<number>(table, new Cache(10_000).section('x'))
  const asked = [store.get('romeo'), store.get('romeo'), store.get('nobody'), store.get('nobody')]
  open()
  t.strictSame(await Promise.all(asked), [1, 1, undefined, undefined])
  t.strictSame(await Promise.all([store.get('romeo'), store.get('nobody')]), [1, undefined])
  t.equal(table.reads, 2, 'absence is remembered too')
})

await t.test('what is written is seen at once, and a value that arrives late does not replace it', async (t) => {
  const table = new SlowTable()
  table.texts.set('romeo/', '1').set('romeo/a', '1').set('romeo/b', '1')
  const cache = new Cache(10_000)
  const [store, contacts] = [
    new CachedKeyval<number>(table, cache.section('x')),
    new CachedMap<number>(table, cache.section('y')),
  ]
  const open = table.hold()
  const late = [store.get('romeo'), contacts.all('romeo')] as const
  const writes = [
    store.set('romeo', 2),
    contacts.set('romeo', 'a', 2),
    contacts.setMany('romeo', [
      ['b', undefined],
      ['c', 3],
    ]),
  ]
  t.equal(await store.get('romeo'), 2, 'before it is durable')
  open()
  t.equal(await late[0], 1)
  t.same(
    [...(await late[1])],
    [
      ['', 1],
      ['a', 1],
      ['b', 1],
    ],
    'what was handed out does not change',
  )
  t.equal(await store.get('romeo'), 2)
  t.same(
    [...(await contacts.all('romeo'))],
    [
      ['', 1],
      ['a', 2],
      ['c', 3],
    ],
  )
  await Promise.all(writes)
  await contacts.clear('romeo')
  t.equal((await contacts.all('romeo')).size, 0)
})

await t.test('what could not be written is forgotten', async (t) => {
  const table = new SlowTable()
  table.texts.set('romeo/', '1').set('romeo/a', '1')
  const cache = new Cache(10_000)
  const [store, contacts] = [
    new CachedKeyval<number>(table, cache.section('x')),
    new CachedMap<number>(table, cache.section('y')),
  ]
  await Promise.all([store.get('romeo'), contacts.all('romeo')])
  table.failing = true
  await t.rejects(store.set('romeo', 2), StorageError)
  await t.rejects(contacts.set('romeo', 'a', 2), StorageError)
  await t.rejects(store.get('romeo'), StorageError)
  table.failing = false
  t.equal(await store.get('romeo'), 1)
  t.equal(await contacts.get('romeo', 'a'), 1)
  await t.rejects(store.set('romeo', 1n as unknown as number), StorageError, 'what has no JSON is refused')
  await t.rejects(store.set('romeo', (() => {}) as unknown as number), StorageError)
  table.texts.set('damaged/', '{')
  await t.rejects(store.get('damaged'), { name: 'StorageError', reason: 'failed' })
})

await t.test('the cache is bounded by what it keeps', async (t) => {
  const table = new SlowTable()
  const store = new CachedKeyval<string>(table, new Cache(20_000).section('x'))
  for (let i = 0; i < 50; i++) await store.set(`user${i}`, 'x'.repeat(1000))
  table.reads = 0
  for (let i = 0; i < 50; i++) await store.get(`user${49 - i}`)
  t.ok(table.reads > 30 && table.reads < 40, `${table.reads} of 50 had to be loaded`)
  await store.set('huge', 'x'.repeat(30_000))
  t.equal((await store.get('huge'))?.length, 30_000, 'what is larger than the cache is only not cached')
})

await t.test('ids grow whatever the clock does', (t) => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -100_000, max: 100_000 }), { maxLength: 50 }), (steps) => {
      const clock = new TestClock(Date.UTC(2026, 0, 1))
      const ids = new ArchiveIds(clock, 0)
      const made: number[] = []
      for (const step of steps) {
        made.push(ids.next(), ids.next())
        clock.step(step)
      }
      return made.every((id, i) => Number.isSafeInteger(id) && (i === 0 || id > made[i - 1]!))
    }),
  )
  const clock = new TestClock(Date.UTC(2026, 0, 1))
  const ids = new ArchiveIds(clock, 0)
  const first = ids.next()
  t.equal(millisecondOf(first), clock.now())
  t.equal(first, firstIdAt(clock.now()))
  for (let i = 0; i < 10_000; i++) ids.next()
  t.equal(ids.last, first + 10_000, 'more than 4096 in a millisecond')
  t.ok(ids.last < firstIdAt(clock.now() + 3))
  t.equal(new ArchiveIds(new TestClock(0), 5).next(), 6, 'before 2020 too')
  t.end()
})

await t.test('ids as text sort as they do as numbers', (t) => {
  const id = fc.nat(Number.MAX_SAFE_INTEGER)
  fc.assert(fc.property(id, (number) => idNumber(idText(number)) === number && idText(number).length === 11))
  fc.assert(fc.property(id, id, (a, b) => idText(a) < idText(b) === a < b))
  fc.assert(fc.property(fc.string(), (text) => idNumber(text) === undefined || idText(idNumber(text)!) === text))
  for (const text of [
    '',
    '0',
    '0000000000w',
    '0000000000A',
    '000000000000',
    'vvvvvvvvvvv',
    ' 0000000000',
    '-0000000001',
  ]) {
    t.equal(idNumber(text), undefined, text)
  }
  t.end()
})
