/** The contract about texts under owners and keys. */
import type { Test } from 'tap'
import type { Bed } from '../contract.ts'
import type { Driver, ValueTable } from '../driver.ts'
import { KEY_BYTES, OWNER_BYTES } from '../limits.ts'
import { systemClock } from '../../server/util/clock.ts'

export async function valuesContract(suite: Test, bed: Bed): Promise<void> {
  const driver = await bed.open(systemClock)
  suite.teardown(() => driver.close())
  await suite.test('keeps, replaces and removes texts', (t) => keepsTexts(t, driver))
  await suite.test('keeps hosts, stores and owners apart', (t) => keepsApart(t, driver))
  await suite.test('takes any text for what it is', (t) => takesAnyText(t, driver))
  await suite.test('reads see what was written before them, durable or not', (t) => readsItsWrites(t, driver))
  await suite.test('keeps what is long', (t) => keepsLongTexts(t, driver))
  await suite.test('refuses what it cannot keep, and that alone', (t) => refuses(t, driver))
  await suite.test('lists any number of owners', (t) => listsOwners(t, driver))
  await suite.test('purges an owner from all stores of a host, opened or not', (t) => purges(t, driver))
}

async function keepsTexts(t: Test, driver: Driver): Promise<void> {
  const table = await driver.values('plain.example', 'roster')
  t.equal(await table.get('romeo', 'juliet'), undefined)
  t.same([...(await table.all('romeo'))], [])
  await table.put('romeo', [
    ['juliet', 'a'],
    ['nurse', 'b'],
  ])
  await table.put('romeo', [['juliet', 'c']])
  t.equal(await table.get('romeo', 'juliet'), 'c')
  t.same(sorted(await table.all('romeo')), [
    ['juliet', 'c'],
    ['nurse', 'b'],
  ])
  await table.put('romeo', [
    ['juliet', undefined],
    ['nobody', undefined],
  ])
  t.same([...(await table.all('romeo'))], [['nurse', 'b']])
  await table.put('romeo', [])
  await table.clear('romeo')
  t.same([...(await table.all('romeo'))], [])
  await table.clear('romeo')
}

async function keepsApart(t: Test, driver: Driver): Promise<void> {
  const places = [
    { host: 'a.example', store: 'roster', owner: 'romeo' },
    { host: 'b.example', store: 'roster', owner: 'romeo' },
    { host: 'a.example', store: 'vcard', owner: 'romeo' },
    { host: 'a.example', store: 'roster', owner: 'juliet' },
    { host: 'a.example', store: 'roster', owner: '' },
    { host: 'a.example', store: 'roster', owner: 'Romeo' },
  ]
  for (const { host, store, owner } of places) {
    await (await driver.values(host, store)).put(owner, [['key', `${host} ${store} ${owner}`]])
  }
  await (await driver.values('b.example', 'roster')).clear('juliet')
  for (const { host, store, owner } of places) {
    t.equal(await (await driver.values(host, store)).get(owner, 'key'), `${host} ${store} ${owner}`)
  }
  t.same(await ownersOf(await driver.values('a.example', 'roster')), ['', 'Romeo', 'juliet', 'romeo'])
  t.same(await ownersOf(await driver.values('b.example', 'vcard')), [])
}

async function takesAnyText(t: Test, driver: Driver): Promise<void> {
  const table = await driver.values('odd.example', 'private')
  for (const odd of ODD_TEXTS) {
    await table.put(odd, [
      [odd, odd],
      [`${odd}2`, ''],
    ])
    t.equal(await table.get(odd, odd), odd)
    t.same(
      sorted(await table.all(odd)),
      sorted([
        [odd, odd],
        [`${odd}2`, ''],
      ]),
    )
  }
  t.same(await ownersOf(table), [...ODD_TEXTS].toSorted())
}

async function readsItsWrites(t: Test, driver: Driver): Promise<void> {
  const table = await driver.values('turn.example', 'roster')
  const writes = [
    table.put('romeo', [
      ['juliet', 'a'],
      ['nurse', 'a'],
    ]),
    table.put('romeo', [['juliet', 'b']]),
  ]
  const afterPut = table.get('romeo', 'juliet')
  writes.push(table.clear('romeo'), table.put('romeo', [['juliet', 'c']]))
  const afterClear = table.all('romeo')
  writes.push(table.put('romeo', [['juliet', undefined]]))
  const afterRemoval = table.get('romeo', 'juliet')
  writes.push(table.put('romeo', [['juliet', 'd']]))
  await Promise.all(writes)
  t.not(await afterPut, undefined)
  t.notOk((await afterClear).has('nurse'))
  await afterRemoval
  t.same([...(await table.all('romeo'))], [['juliet', 'd']], 'and the last write is what stays')
}

async function keepsLongTexts(t: Test, driver: Driver): Promise<void> {
  const table = await driver.values('long.example', 'vcard')
  const long = 'Wherefore art thou “Romeo”? '.repeat(40_000)
  await table.put('juliet', [['', long]])
  t.ok((await table.get('juliet', '')) === long)
  const owner = randomText(OWNER_BYTES)
  const key = randomText(KEY_BYTES)
  await table.put(owner, [[key, 'longest names']])
  t.equal(await table.get(owner, key), 'longest names')
}

async function refuses(t: Test, driver: Driver): Promise<void> {
  const table = await driver.values('refuse.example', 'private')
  const good = table.put('romeo', [['good', 'a']])
  const bad = [
    table.put('a'.repeat(OWNER_BYTES + 1), [['key', 'a']]),
    table.put('ä'.repeat(OWNER_BYTES / 2 + 1), [['key', 'a']]),
    table.put('romeo', [
      ['good', 'b'],
      ['k'.repeat(KEY_BYTES + 1), 'a'],
    ]),
    table.put('romeo', [
      ['good', 'b'],
      ['nul', 'a\0b'],
    ]),
    table.put('romeo', [
      ['good', 'b'],
      ['half \ud83d', 'a'],
    ]),
    table.put('ro\0meo', [['key', 'a']]),
  ]
  const later = table.put('romeo', [['later', 'a']])
  for (const result of await Promise.allSettled(bad)) {
    t.equal(result.status, 'rejected')
    t.match(result, { reason: { name: 'StorageError', reason: 'invalid' } })
  }
  await good
  await later
  t.same(sorted(await table.all('romeo')), [
    ['good', 'a'],
    ['later', 'a'],
  ])
}

async function listsOwners(t: Test, driver: Driver): Promise<void> {
  const table = await driver.values('many.example', 'vcard')
  const owners = Array.from({ length: 1234 }, (_, i) => `user${String(i).padStart(4, '0')}`)
  await Promise.all(
    owners.map((owner) =>
      table.put(owner, [
        ['', owner],
        ['2', owner],
      ]),
    ),
  )
  t.same(await ownersOf(table), owners)
}

async function purges(t: Test, driver: Driver): Promise<void> {
  const host = 'purge.example'
  const roster = await driver.values(host, 'roster')
  const others = await driver.values('other.example', 'roster')
  const archive = await driver.archive(host, 'archive')
  const item = { when: new Date(), with: 'juliet@example.org', stanza: '<message/>' }
  const writes = [
    roster.put('romeo', [['juliet', 'a']]),
    roster.put('mercutio', [['juliet', 'a']]),
    others.put('romeo', [['juliet', 'a']]),
    archive.append('romeo', item).stored,
    archive.append('mercutio', item).stored,
  ]
  const purge = driver.purge(host, 'romeo')
  const again = roster.put('romeo', [['nurse', 'b']])
  const newItem = archive.append('romeo', item)
  await Promise.all([...writes, purge, again, newItem.stored])
  t.same([...(await roster.all('romeo'))], [['nurse', 'b']], 'what was written afterwards is kept')
  t.same(
    (await archive.find('romeo', { limit: 10 })).map(({ id }) => id),
    [newItem.id],
  )
  t.equal((await roster.all('mercutio')).size, 1)
  t.equal((await others.all('romeo')).size, 1)
  t.equal(await archive.count('mercutio', {}), 1)

  const purging = driver.purge(host, 'romeo')
  t.equal((await roster.all('romeo')).size, 0, 'who reads while it goes on finds no texts')
  await purging
  await driver.purge(host, 'nobody')
  await driver.purge('unknown.example', 'romeo')
  t.equal((await roster.all('romeo')).size, 0)
  t.equal(await archive.count('romeo', {}), 0)
  await archive.append('romeo', item).stored
  t.equal(await archive.count('romeo', {}), 1, 'the name can be used again')
}

/** Texts that have meant something else to some database or language. */
export const ODD_TEXTS: readonly string[] = [
  '__proto__',
  'constructor',
  'hasOwnProperty',
  'toString',
  `'; DROP TABLE keyval; --`,
  `"quoted" 'twice' \`thrice\``,
  '{"json":[1,2]}',
  '{a,b}',
  '\\N \\x41 \\\\ $1 ? :name @p %s %_',
  'NULL',
  'ςΣ ß ı İ e\u0301 é',
  '🧑‍🚀 \u200f\u202e עברית',
  'line\nbreak\ttab\r',
  '\ufeff\ufffe\uffff\u0001',
]

function sorted(entries: Iterable<readonly [string, string]>): readonly (readonly [string, string])[] {
  return [...entries].toSorted(([a], [b]) => (a < b ? -1 : 1))
}

async function ownersOf(table: ValueTable): Promise<readonly string[]> {
  return (await Array.fromAsync(table.owners())).toSorted()
}

/** Text that does not get shorter when it is compressed, as a database does with long keys. */
function randomText(length: number): string {
  const bytes = crypto.getRandomValues(new Uint8Array(length))
  return Array.from(bytes, (byte) => String.fromCharCode(33 + (byte % 94))).join('')
}
