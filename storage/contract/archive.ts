/** The contract about archives. */
import type { Test } from 'tap'
import type { Bed } from '../contract.ts'
import type { Driver } from '../driver.ts'
import type { ArchiveFilter, ArchiveItem, ArchiveQuery, ArchiveStore, NewArchiveItem } from '../store.ts'
import { TestClock } from './test-clock.ts'
import { ODD_TEXTS } from './values.ts'

const NOON = Date.UTC(2026, 5, 1, 12)
const MINUTE = 60_000

export async function archiveContract(suite: Test, bed: Bed): Promise<void> {
  const clock = new TestClock(NOON)
  const driver = await bed.open(clock)
  suite.teardown(() => driver.close())

  await suite.test('names items at once and finds them again', (t) => findsAgain(t, driver, clock))
  await suite.test('pages through ten thousand items both ways', (t) => pages(t, driver, clock))
  await suite.test('finds by address, time and id', (t) => filters(t, driver, clock))
  await suite.test('keeps order and time apart when the clock is set', (t) => clockSteps(t, driver, clock))
  await suite.test('keeps hosts, stores and owners apart', (t) => keepsApart(t, driver))
  await suite.test('replaces one item', (t) => replaces(t, driver))
  await suite.test('removes what matches', (t) => removes(t, driver, clock))
  await suite.test('removes of all owners', (t) => removesOfAll(t, driver, clock))
  await suite.test('refuses what it cannot keep, and that alone', (t) => refuses(t, driver))
  await suite.test('takes thousands of items in one turn', (t) => manyAtOnce(t, driver))
}

async function findsAgain(t: Test, driver: Driver, clock: TestClock): Promise<void> {
  const archive = await driver.archive('plain.example', 'archive')
  t.same(await archive.find('romeo', { limit: 10 }), [])
  t.equal(await archive.count('romeo', {}), 0)
  const when = new Date(clock.now())
  const items: NewArchiveItem[] = [
    { when, with: 'juliet@example.org/balcony', stanza: '<message>O</message>', kind: 'chat' },
    { when, with: 'juliet@example.org', stanza: '' },
    { when, with: 'example.org', stanza: `<message>${'🌹'.repeat(300_000)}</message>` },
    { when, with: 'a@b/c/d', stanza: '<message/>', kind: '' },
    ...ODD_TEXTS.map((odd) => ({ when, with: `${odd}@x/${odd}`, stanza: odd, kind: odd })),
  ]
  const appended = items.map((item) => archive.append('romeo', item))
  const before = archive.find('romeo', { limit: 100 })
  await Promise.all(appended.map(({ stored }) => stored))
  const ids = appended.map(({ id }) => id)
  t.ok(ids.every((id) => /^[0-9a-v]{11}$/.test(id)))
  t.same(ids, ids.toSorted())
  const found = await archive.find('romeo', { limit: 100 })
  t.strictSame(
    found,
    items.map((item, i) => ({ id: ids[i], ...item })),
  )
  t.same(await before, found, 'also when asked before it was durable')
  for (const item of found) {
    t.strictSame(await archive.get('romeo', item.id), item)
    t.equal(await archive.has('romeo', item.id), true)
  }
  for (const nothing of [
    '',
    'nothing',
    '__proto__',
    '00000000000',
    'vvvvvvvvvvv',
    '0pb2ainlo0',
    ids[0]!.toUpperCase(),
  ]) {
    t.equal(await archive.get('romeo', nothing), undefined)
    t.equal(await archive.has('romeo', nothing), false)
  }
}

async function pages(t: Test, driver: Driver, clock: TestClock): Promise<void> {
  const archive = await driver.archive('pages.example', 'archive')
  const ids: string[] = []
  for (let turn = 0; turn < 10; turn++) {
    const appended = Array.from({ length: 1000 }, (_, i) => {
      if (i % 10 === 0) clock.step(1)
      return archive.append('romeo', message(clock, i % 3 === 0 ? 'juliet@example.org/a' : 'nurse@example.org'))
    })
    await Promise.all(appended.map(({ stored }) => stored))
    ids.push(...appended.map(({ id }) => id))
    await archive.append('juliet', message(clock, 'romeo@example.org')).stored
  }
  t.same(await walk(archive, (last) => ({ limit: 100, ...(last && { after: last }) })), ids)
  const back = await walk(archive, (last) => ({ limit: 100, newestFirst: true, ...(last && { before: last }) }))
  t.same(back.toReversed(), ids)
  const ofJuliet = await walk(archive, (last) => ({
    limit: 100,
    with: 'juliet@example.org',
    ...(last && { after: last }),
  }))
  t.same(
    ofJuliet,
    ids.filter((_, i) => (i % 1000) % 3 === 0),
  )
  t.equal(await archive.count('romeo', {}), 10_000)
  t.equal(await archive.count('romeo', { with: 'juliet@example.org' }), ofJuliet.length)
  t.equal(await archive.count('romeo', { after: ids[99]!, before: ids[200]! }), 100)
}

/** The ids of all pages, each asked for with the last id of the one before. */
async function walk(
  archive: ArchiveStore,
  query: (last: string | undefined) => ArchiveQuery,
): Promise<readonly string[]> {
  const ids: string[] = []
  while (true) {
    const page = await archive.find('romeo', query(ids.at(-1)))
    if (page.length === 0) return ids
    ids.push(...page.map(({ id }) => id))
  }
}

async function filters(t: Test, driver: Driver, clock: TestClock): Promise<void> {
  const archive = await driver.archive('filters.example', 'archive')
  const begin = clock.now()
  const addresses = ['juliet@x/a', 'juliet@x/b', 'juliet@x', 'nurse@x', 'juliet@x/a/b', 'Juliet@x/a']
  const items: ArchiveItem[] = []
  for (const [i, address] of [...addresses, ...addresses].entries()) {
    clock.step(MINUTE)
    const item = { when: new Date(clock.now()), with: address, stanza: `<message id='${i}'/>` }
    const { id, stored } = archive.append('romeo', item)
    await stored
    items.push({ id, ...item })
  }
  const at = (minutes: number): Date => new Date(begin + minutes * MINUTE)
  const cases: readonly (readonly [ArchiveFilter, readonly number[]])[] = [
    [{}, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]],
    [{ with: 'juliet@x' }, [1, 2, 3, 5, 7, 8, 9, 11]],
    [{ with: 'juliet@x/a' }, [1, 7]],
    [{ with: 'juliet@x/a/b' }, [5, 11]],
    [{ with: 'juliet@x/c' }, []],
    [{ with: 'x' }, []],
    [{ start: at(3) }, [3, 4, 5, 6, 7, 8, 9, 10, 11, 12]],
    [{ end: at(3) }, [1, 2, 3]],
    [{ start: at(3), end: at(5) }, [3, 4, 5]],
    [{ start: new Date(at(3).getTime() + 1), end: new Date(at(5).getTime() - 1) }, [4]],
    [{ start: at(5), end: at(3) }, []],
    [{ start: new Date(-1), end: new Date(8.64e15) }, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]],
    [{ after: items[2]!.id }, [4, 5, 6, 7, 8, 9, 10, 11, 12]],
    [{ before: items[2]!.id }, [1, 2]],
    [{ after: items[2]!.id, before: items[5]!.id, with: 'juliet@x' }, [5]],
    [{ after: '00000000000', before: '7vvvvvvvvvv' }, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]],
    [{ after: 'no id' }, []],
    [{ before: `' OR 1=1 --` }, []],
    [{ ids: [items[3]!.id, items[0]!.id, 'no id', '00000000000'] }, [1, 4]],
    [{ ids: [items[3]!.id, items[0]!.id], with: 'nurse@x' }, [4]],
    [{ ids: [] }, []],
    [{ start: at(2), end: at(9), with: 'juliet@x/b', after: items[2]!.id }, [8]],
    [
      { with: undefined, start: undefined, end: undefined, after: undefined, before: undefined, ids: undefined },
      [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12],
    ],
  ]
  for (const [filter, numbers] of cases) {
    const expected = numbers.map((n) => items[n - 1]!)
    const name = JSON.stringify(filter)
    t.strictSame(await archive.find('romeo', { ...filter, limit: 100 }), expected, name)
    t.strictSame(await archive.find('romeo', { ...filter, limit: 100, newestFirst: true }), expected.toReversed(), name)
    t.strictSame(
      await archive.find('romeo', { ...filter, limit: 2, newestFirst: true }),
      expected.toReversed().slice(0, 2),
      name,
    )
    t.equal(await archive.count('romeo', filter), expected.length, name)
  }
  t.same(await archive.find('romeo', { limit: 0 }), [])
  t.equal((await archive.find('romeo', { limit: Infinity })).length, items.length)
  await t.rejects(archive.find('romeo', { start: new Date(Number.NaN), limit: 1 }), {
    name: 'StorageError',
    reason: 'invalid',
  })
}

async function clockSteps(t: Test, driver: Driver, clock: TestClock): Promise<void> {
  const archive = await driver.archive('clock.example', 'archive')
  const noon = clock.now()
  const append = async (minutes: number): Promise<string> => {
    const item = { when: new Date(noon + minutes * MINUTE), with: 'juliet@x', stanza: String(minutes) }
    const { id, stored } = archive.append('romeo', item)
    await stored
    return id
  }
  const ids = [await append(0)]
  clock.step(-60 * MINUTE)
  ids.push(await append(-60), await append(-59))
  clock.step(120 * MINUTE)
  ids.push(await append(60))
  // As when a history is imported, and as no honest clock would say.
  ids.push(await append(-60 * 24 * 400), await append(60 * 24 * 400))
  t.same(ids, ids.toSorted())
  const minutesOf = async (query: ArchiveFilter): Promise<readonly number[]> =>
    (await archive.find('romeo', { limit: 10, ...query })).map(({ stanza }) => Number(stanza))
  const at = (minutes: number): Date => new Date(noon + minutes * MINUTE)
  t.same(await minutesOf({}), [0, -60, -59, 60, -576_000, 576_000], 'in the order in which they were archived')
  t.same(await minutesOf({ start: at(-59), end: at(0) }), [0, -59])
  t.same(await minutesOf({ end: at(-60) }), [-60, -576_000])
  t.same(await minutesOf({ start: at(61) }), [576_000])
  t.same(await minutesOf({ after: ids[1]!, end: at(60) }), [-59, 60, -576_000])
}

async function keepsApart(t: Test, driver: Driver): Promise<void> {
  const item = { when: new Date(NOON), with: 'juliet@x', stanza: '<message/>' }
  const places = [
    { host: 'a.example', store: 'archive', owner: 'romeo' },
    { host: 'b.example', store: 'archive', owner: 'romeo' },
    { host: 'a.example', store: 'offline', owner: 'romeo' },
    { host: 'a.example', store: 'archive', owner: 'Romeo' },
    { host: 'a.example', store: 'archive', owner: '' },
    { host: 'a.example', store: 'archive', owner: '__proto__' },
  ]
  const archives = await Promise.all(places.map(({ host, store }) => driver.archive(host, store)))
  const ids: string[] = []
  for (const [i, { owner }] of places.entries()) {
    const { id, stored } = archives[i]!.append(owner, item)
    await stored
    ids.push(id)
  }
  for (const [i, { owner }] of places.entries()) {
    t.same(
      (await archives[i]!.find(owner, { limit: 10 })).map(({ id }) => id),
      [ids[i]],
    )
    for (const id of ids) t.equal(await archives[i]!.has(owner, id), id === ids[i])
    t.equal(await archives[i]!.replace(owner, ids[(i + 1) % ids.length]!, '<gone/>'), false)
    t.equal(await archives[i]!.remove(owner, { ids: [ids[(i + 1) % ids.length]!] }), 0)
  }
}

async function replaces(t: Test, driver: Driver): Promise<void> {
  const archive = await driver.archive('replace.example', 'archive')
  const item = { when: new Date(NOON), with: 'juliet@x/y', stanza: '<message/>', kind: 'chat' }
  const [first, second] = [archive.append('romeo', item), archive.append('romeo', item)]
  const replaced = archive.replace('romeo', first.id, '<moderated/>')
  t.strictSame(await archive.get('romeo', first.id), { ...item, id: first.id, stanza: '<moderated/>' })
  t.equal(await replaced, true)
  t.strictSame(await archive.get('romeo', second.id), { ...item, id: second.id })
  t.equal(await archive.replace('romeo', 'no id', '<moderated/>'), false)
  t.equal(await archive.replace('juliet', first.id, '<moderated/>'), false)
  await Promise.all([first.stored, second.stored])
}

async function removes(t: Test, driver: Driver, clock: TestClock): Promise<void> {
  const archive = await driver.archive('remove.example', 'archive')
  const appended = Array.from({ length: 5000 }, (_, i) => {
    clock.step(1)
    return archive.append('romeo', message(clock, i % 2 === 0 ? 'juliet@x/a' : 'nurse@x'))
  })
  const removed = archive.remove('romeo', { with: 'juliet@x' })
  const later = archive.append('romeo', message(clock, 'juliet@x/a'))
  t.equal(await removed, 2500, 'more than one portion')
  await Promise.all([...appended, later].map(({ stored }) => stored))
  t.equal(await archive.count('romeo', {}), 2501, 'and not what came later')
  t.equal(await archive.remove('romeo', { ids: [appended[1]!.id, appended[0]!.id] }), 1)
  t.equal(await archive.remove('romeo', { before: appended[10]!.id }), 4)
  t.equal(await archive.remove('romeo', { after: appended[4995]!.id, with: 'nurse@x' }), 2)
  t.equal(await archive.remove('romeo', { after: 'no id' }), 0)
  t.equal(await archive.remove('nobody', {}), 0)
  t.equal(await archive.remove('romeo', {}), 2494)
  t.same(await archive.find('romeo', { limit: 1 }), [])
}

async function removesOfAll(t: Test, driver: Driver, clock: TestClock): Promise<void> {
  const archive = await driver.archive('expire.example', 'archive')
  const others = await driver.archive('expire.example', 'rooms')
  const owners = Array.from({ length: 600 }, (_, i) => `user${i}`)
  await Promise.all([...owners, ...owners].map((owner) => archive.append(owner, message(clock, 'juliet@x')).stored))
  await others.append('user1', message(clock, 'juliet@x')).stored
  const end = new Date(clock.now())
  clock.step(10 * MINUTE)
  await Promise.all(owners.map((owner) => archive.append(owner, message(clock, 'juliet@x')).stored))
  t.equal(await archive.remove(undefined, { end }), 1200)
  t.equal(await archive.remove(undefined, { end }), 0)
  t.equal(await archive.count('user599', {}), 1)
  t.equal(await others.count('user1', {}), 1)
  t.equal(await archive.remove(undefined, {}), 600)
}

async function refuses(t: Test, driver: Driver): Promise<void> {
  const archive = await driver.archive('refuse.example', 'archive')
  const item = { when: new Date(NOON), with: 'juliet@x', stanza: '<message/>' }
  const good = archive.append('romeo', item)
  const bad = [
    archive.append('romeo', { ...item, when: new Date(Number.NaN) }),
    archive.append('romeo', { ...item, stanza: '<message>\0</message>' }),
    archive.append('romeo', { ...item, stanza: '<message>\ude00</message>' }),
    archive.append('romeo', { ...item, with: 'j\0liet@x' }),
    archive.append('romeo', { ...item, with: `${'j'.repeat(4000)}@x` }),
    archive.append('r'.repeat(2000), item),
    archive.append('romeo', { ...item, kind: '\0' }),
  ]
  const later = archive.append('romeo', {
    ...item,
    with: `${'j'.repeat(1023)}@${'x'.repeat(1023)}/${'r'.repeat(1023)}`,
  })
  for (const result of await Promise.allSettled(bad.map(({ stored }) => stored))) {
    t.match(result, { status: 'rejected', reason: { name: 'StorageError', reason: 'invalid' } })
  }
  await good.stored
  await later.stored
  t.same(
    (await archive.find('romeo', { limit: 10 })).map(({ id }) => id),
    [good.id, later.id],
  )
}

async function manyAtOnce(t: Test, driver: Driver): Promise<void> {
  const archive = await driver.archive('many.example', 'archive')
  const values = await driver.values('many.example', 'roster')
  const item = { when: new Date(NOON), with: 'juliet@x', stanza: `<message>${'x'.repeat(400)}</message>` }
  const writes: Promise<void>[] = []
  for (let i = 0; i < 12_000; i++) {
    writes.push(archive.append(`user${i % 100}`, { ...item, with: `peer${i % 1000}@x` }).stored)
    if (i % 10 === 0) writes.push(values.put(`user${i % 100}`, [[`peer${i % 50}`, String(i)]]))
  }
  await Promise.all(writes)
  t.equal(await archive.count('user7', {}), 120)
  t.equal(await values.get('user90', 'peer40'), '11990')
}

function message(clock: TestClock, peer: string): NewArchiveItem {
  return { when: new Date(clock.now()), with: peer, stanza: '<message/>' }
}
