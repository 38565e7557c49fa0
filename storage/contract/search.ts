/** The contract about archives that are searched for what their stanzas say. */
import type { Test } from 'tap'
import type { Bed } from '../contract.ts'
import type { Driver } from '../driver.ts'
import type { ArchiveSearch, ArchiveStore } from '../store.ts'
import { TestClock } from './test-clock.ts'

const NOON = Date.UTC(2026, 5, 1, 12)

export async function searchContract(suite: Test, bed: Bed): Promise<void> {
  const clock = new TestClock(NOON)
  const driver = await bed.open(clock)
  suite.teardown(() => driver.close())

  await suite.test('finds words, indexed or not', (t) => findsWords(t, driver))
  await suite.test('finds by words and by everything else', (t) => combines(t, driver, clock))
  await suite.test('takes what is searched for as words, whatever it is', (t) => quotes(t, driver))
  await suite.test('forgets what was replaced or removed', (t) => forgets(t, driver))
  await suite.test('keeps the words of archives apart', (t) => keepsApart(t, driver))
  await suite.test('pages through what it finds', (t) => pages(t, driver))
  await suite.test('indexes what is there when a store is first searched', (t) => indexesLater(t, driver))
  await suite.test('does not search what was not declared to be', async (t) => {
    const archive = await driver.archive('plain.example', 'archive')
    await append(archive, 'romeo', 'rose')
    await t.rejects(archive.find('romeo', { text: 'rose', limit: 1 }), { name: 'StorageError', reason: 'invalid' })
    await t.rejects(archive.count('romeo', { text: 'rose' }), { name: 'StorageError', reason: 'invalid' })
  })
}

/** Archived stanzas of these tests are texts. */
const open = (driver: Driver, host: string): Promise<ArchiveStore> =>
  driver.archive(host, 'archive', (stanza) => stanza)

async function append(archive: ArchiveStore, owner: string, text: string, when = NOON): Promise<string> {
  const { id, stored } = archive.append(owner, { when: new Date(when), with: 'juliet@x', stanza: text })
  await stored
  return id
}

async function found(archive: ArchiveStore, owner: string, search: ArchiveSearch): Promise<readonly string[]> {
  return (await archive.find(owner, { ...search, limit: 100 })).map(({ stanza }) => stanza)
}

async function findsWords(t: Test, driver: Driver): Promise<void> {
  const archive = await open(driver, 'words.example')
  const texts = [
    'What’s in a name? That which we call a rose',
    'By any other word would smell as sweet; ROSES',
    'Wherefore art thou Roméo?',
    '東京都に住んでいます',
    'Straße, ﬁne, İstanbul',
    '',
  ]
  for (const text of texts) await append(archive, 'romeo', text)
  const cases: readonly (readonly [string, readonly number[]])[] = [
    ['rose', [0, 1]],
    ['roses', [1]],
    ['Rose NAME', [0]],
    ['rose, rose', [0, 1]],
    ['romeo', [2]],
    ['RÓMEO', [2]],
    ['ros', [0, 1]],
    ['a', [0]],
    ['wo', []],
    ['wou', [1]],
    ['京', [3]],
    ['京都', [3]],
    ['都', [3]],
    ['東京都', [3]],
    ['京東', []],
    ['straße fine istanbul', [4]],
    ['nothing', []],
    ['rose nothing', []],
    ['', []],
    ['?!', []],
  ]
  for (const state of ['not indexed', 'indexed', 'half indexed']) {
    if (state === 'indexed') await driver.indexed()
    if (state === 'half indexed') await append(archive, 'romeo', 'The lark')
    for (const [text, numbers] of cases) {
      const expected = numbers.map((n) => texts[n]!)
      t.same(await found(archive, 'romeo', { text }), expected, `${state}: ${text}`)
      t.equal(await archive.count('romeo', { text }), expected.length)
    }
  }
  await t.rejects(archive.find('romeo', { text: 'x'.repeat(10_000), limit: 1 }), {
    name: 'StorageError',
    reason: 'invalid',
  })
}

async function combines(t: Test, driver: Driver, clock: TestClock): Promise<void> {
  const archive = await open(driver, 'combined.example')
  const ids: string[] = []
  for (let i = 0; i < 6; i++) {
    clock.step(60_000)
    const item = { when: new Date(clock.now()), with: i % 2 === 0 ? 'juliet@x/a' : 'nurse@x', stanza: `rose ${i}` }
    const { id, stored } = archive.append('romeo', item)
    await stored
    ids.push(id)
    if (i === 3) await driver.indexed()
  }
  const at = (n: number): Date => new Date(clock.now() - (5 - n) * 60_000)
  const cases: readonly (readonly [ArchiveSearch, readonly number[]])[] = [
    [{}, [0, 1, 2, 3, 4, 5]],
    [{ with: 'juliet@x' }, [0, 2, 4]],
    [{ with: 'juliet@x/b' }, []],
    [{ start: at(2), end: at(4) }, [2, 3, 4]],
    [{ after: ids[0], before: ids[5] }, [1, 2, 3, 4]],
    [{ ids: [ids[1]!, ids[4]!] }, [1, 4]],
    [{ after: 'no id' }, []],
  ]
  for (const [filter, numbers] of cases) {
    const expected = numbers.map((n) => `rose ${n}`)
    const search = { ...filter, text: 'rose' }
    t.same(await found(archive, 'romeo', search), expected, JSON.stringify(filter))
    t.equal(await archive.count('romeo', search), expected.length)
    const newest = await archive.find('romeo', { ...search, limit: 3, newestFirst: true })
    t.same(
      newest.map(({ stanza }) => stanza),
      expected.toReversed().slice(0, 3),
    )
  }
}

/** What would mean something to a database. */
async function quotes(t: Test, driver: Driver): Promise<void> {
  const archive = await open(driver, 'quotes.example')
  await append(archive, 'romeo', 'rose or not rose near lily')
  await driver.indexed()
  const spells = [
    'rose" OR "x',
    "rose' | 'x",
    'rose:*',
    'rose*',
    '"rose"',
    '^rose',
    'rose AND lily',
    'words:rose',
    'rose & !x',
    '{words} : rose',
    'NEAR(rose lily)',
    'rose\\',
    "'; DROP TABLE archive_words; --",
    '1_rose',
    'rose\0',
    'rose \ud800',
    '%',
    '_',
  ]
  const hits = new Set(['rose:*', 'rose*', '"rose"', '^rose', 'NEAR(rose lily)', 'rose\\', 'rose\0', 'rose \ud800'])
  for (const text of spells) {
    t.equal((await found(archive, 'romeo', { text })).length, hits.has(text) ? 1 : 0, JSON.stringify(text))
  }
}

async function forgets(t: Test, driver: Driver): Promise<void> {
  for (const moment of ['before it is indexed', 'when it is indexed']) {
    const archive = await open(driver, `${moment === 'when it is indexed' ? 'later' : 'early'}.example`)
    const [secret, removed] = [
      await append(archive, 'romeo', 'secret rose'),
      await append(archive, 'romeo', 'old rose'),
    ]
    await append(archive, 'romeo', 'third rose')
    if (moment === 'when it is indexed') await driver.indexed()
    t.equal(await archive.replace('romeo', secret, 'grave'), true)
    t.equal(await archive.replace('juliet', removed, 'grave'), false)
    t.equal(await archive.remove('romeo', { ids: [removed] }), 1)
    for (const state of ['at once', 'after indexing', 'and again']) {
      t.same(await found(archive, 'romeo', { text: 'secret' }), [], `${moment}, ${state}`)
      t.same(await found(archive, 'romeo', { text: 'grave' }), ['grave'])
      t.same(await found(archive, 'romeo', { text: 'rose' }), ['third rose'])
      t.same(await found(archive, 'romeo', { text: 'old' }), [])
      await driver.indexed()
    }
    t.equal(await archive.trim('romeo', 1), 1)
    t.same(await found(archive, 'romeo', { text: 'grave' }), [])
    t.equal(await archive.count('romeo', { text: 'rose' }), 1)
  }
}

async function keepsApart(t: Test, driver: Driver): Promise<void> {
  const [one, other] = [await open(driver, 'one.example'), await open(driver, 'other.example')]
  await append(one, 'romeo', 'rose of one romeo')
  await append(one, 'juliet', 'rose of juliet')
  await append(other, 'romeo', 'rose of another romeo')
  for (const state of ['not indexed', 'indexed']) {
    t.same(await found(one, 'romeo', { text: 'rose' }), ['rose of one romeo'], state)
    t.same(await found(one, 'juliet', { text: 'rose' }), ['rose of juliet'])
    t.same(await found(other, 'romeo', { text: 'rose' }), ['rose of another romeo'])
    t.same(await found(other, 'juliet', { text: 'rose' }), [])
    await driver.indexed()
  }
  await driver.purge('one.example', 'romeo')
  t.same(await found(one, 'romeo', { text: 'rose' }), [])
  t.same(await found(other, 'romeo', { text: 'rose' }), ['rose of another romeo'])
}

async function pages(t: Test, driver: Driver): Promise<void> {
  const archive = await open(driver, 'pages.example')
  const appendMany = async (from: number, to: number): Promise<void> => {
    const all = Array.from({ length: to - from }, (_, i) => append(archive, 'romeo', `n${from + i} k${(from + i) % 3}`))
    await Promise.all(all)
  }
  await appendMany(0, 1000)
  await driver.indexed()
  await appendMany(1000, 2000)
  const expected = Array.from({ length: 2000 }, (_, i) => i).filter((n) => n % 3 === 1)
  for (const newestFirst of [false, true]) {
    const numbers: number[] = []
    let last: string | undefined
    for (;;) {
      const beyond = newestFirst ? { before: last } : { after: last }
      const page = await archive.find('romeo', { text: 'k1', ...beyond, limit: 70, newestFirst })
      if (page.length === 0) break
      numbers.push(...page.map(({ stanza }) => Number(/\d+/.exec(stanza)?.[0])))
      last = page.at(-1)?.id
    }
    t.same(numbers, newestFirst ? expected.toReversed() : expected)
  }
  t.equal(await archive.count('romeo', { text: 'k1' }), expected.length)
}

async function indexesLater(t: Test, driver: Driver): Promise<void> {
  const plain = await driver.archive('late.example', 'archive')
  for (let i = 0; i < 3; i++) await append(plain, 'romeo', `rose ${i}`)
  // The index has come past them.
  await driver.indexed()
  const another = await driver.archive('late.example', 'other')
  await append(another, 'romeo', 'rose 3')
  const archive = await open(driver, 'late.example')
  t.same(await found(archive, 'romeo', { text: 'rose' }), ['rose 0', 'rose 1', 'rose 2'])
  await driver.indexed()
  t.same(await found(archive, 'romeo', { text: 'rose' }), ['rose 0', 'rose 1', 'rose 2'])
}
