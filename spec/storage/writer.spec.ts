/** How writes become transactions: when one begins, what is in it, and who hears of its failure. */
import t from 'tap'
import type { Change, StatementChange } from '../../storage/sql/change.ts'
import type { Step } from '../../storage/sql/database.ts'
import { postgres, sqlite } from '../../storage/sql/dialect.ts'
import { planOf } from '../../storage/sql/plan.ts'
import { sql, statementOf } from '../../storage/sql/sql.ts'
import { type Counts, Writer } from '../../storage/sql/writer.ts'
import { StorageError } from '../../storage/storage-error.ts'

/** A database that notes its transactions and finishes them when it is told to. */
class Transactions {
  readonly begun: { readonly keys: readonly string[]; finish(error?: Error): void }[] = []
  #waiting: (() => void) | undefined

  readonly commit = (changes: readonly Change[]): Promise<Counts> => {
    const { promise, resolve, reject } = Promise.withResolvers<Counts>()
    const keys = changes.map((change) => (change.kind === 'value' ? change.key : change.kind))
    const counts = new Map(changes.filter((change) => change.kind === 'statement').map((change) => [change, 7]))
    this.begun.push({ keys, finish: (error) => (error === undefined ? resolve(counts) : reject(error)) })
    this.#waiting?.()
    return promise
  }

  /** The nth transaction, as soon as it has begun. */
  async nth(n: number): Promise<{ readonly keys: readonly string[]; finish(error?: Error): void }> {
    while (this.begun.length < n) await new Promise<void>((resolve) => (this.#waiting = resolve))
    return this.begun[n - 1]!
  }
}

function value(key: string, text = '1'): Change {
  return { kind: 'value', store: 1, owner: 'romeo', key, text }
}

function removal(key: string): Change {
  return { kind: 'value', store: 1, owner: 'romeo', key, text: undefined }
}

function statement(removesArchives = false): StatementChange {
  return { kind: 'statement', owner: 'romeo', statement: sql`DELETE FROM keyval`, removesArchives }
}

await t.test('a turn is a transaction, and what comes while one is written is the next', async (t) => {
  const transactions = new Transactions()
  const writer = new Writer(transactions.commit)
  const writes = [writer.write('romeo', [value('a'), value('b')]), writer.write('juliet', [value('c')])]
  t.equal(transactions.begun.length, 0, 'the turn is not over')
  const first = await transactions.nth(1)
  t.same(first.keys, ['a', 'b', 'c'])
  writes.push(writer.write('romeo', [value('d')]))
  await new Promise((resolve) => setImmediate(resolve))
  writes.push(writer.write('romeo', [value('e')]))
  await new Promise((resolve) => setImmediate(resolve))
  t.equal(transactions.begun.length, 1)
  first.finish()
  const second = await transactions.nth(2)
  t.same(second.keys, ['d', 'e'])
  second.finish()
  await Promise.all(writes)
})

await t.test('all who took part hear of a failure, and nobody else', async (t) => {
  const transactions = new Transactions()
  const writer = new Writer(transactions.commit)
  const writes = [writer.write('romeo', [value('a')]), writer.run(statement()), writer.write('juliet', [value('b')])]
  const first = await transactions.nth(1)
  const next = [writer.write('romeo', [value('c')]), writer.run(statement())]
  const error = new StorageError('failed', 'the disk is full')
  first.finish(error)
  for (const result of await Promise.allSettled(writes)) t.same(result, { status: 'rejected', reason: error })
  const second = await transactions.nth(2)
  second.finish()
  t.same(await Promise.all(next), [undefined, 7])
})

await t.test('who reads waits for the writes of the same owner, and no others', async (t) => {
  const transactions = new Transactions()
  const writer = new Writer(transactions.commit)
  await writer.settled('romeo')
  const writes = [writer.write('romeo', [value('a')])]
  const first = await transactions.nth(1)
  writes.push(writer.write('juliet', [value('b')]))
  await writer.settled('nurse')
  let seen = ''
  const waiting = [
    writer.settled('romeo').then(() => (seen += 'romeo ')),
    writer.settled('juliet').then(() => (seen += 'juliet ')),
    writer.settled(undefined).then(() => (seen += 'all ')),
  ]
  t.equal(seen, '')
  first.finish()
  const second = await transactions.nth(2)
  await waiting[0]
  t.equal(seen, 'romeo ')
  second.finish(new StorageError('failed', 'failed is settled too'))
  await Promise.all(waiting)
  t.equal(seen, 'romeo juliet all ')
  await writes[0]
  await t.rejects(writes[1]!, StorageError)
})

await t.test('nothing follows the removal of archives in its transaction', async (t) => {
  const transactions = new Transactions()
  const writer = new Writer(transactions.commit)
  const all = [writer.write('romeo', [value('a')]), writer.run(statement(true)), writer.write('romeo', [value('b')])]
  const first = await transactions.nth(1)
  t.same(first.keys, ['a', 'statement'])
  first.finish()
  const second = await transactions.nth(2)
  t.same(second.keys, ['b'])
  second.finish()
  await Promise.all(all)
})

await t.test('refuses when too much is waiting, and when it is closed', async (t) => {
  const transactions = new Transactions()
  const writer = new Writer(transactions.commit)
  const long = 'x'.repeat(16 * 1024 * 1024)
  const writes = Array.from({ length: 8 }, (_, i) => writer.write('romeo', [value(`${i}`, long)]))
  t.throws(() => writer.write('romeo', [value('more')]), { name: 'StorageError', reason: 'overloaded' })
  const first = await transactions.nth(1)
  first.finish()
  await Promise.all(writes)
  const last = writer.write('romeo', [value('again')])
  const closed = writer.close()
  t.throws(() => writer.write('romeo', [value('more')]), { name: 'StorageError', reason: 'unavailable' })
  await t.rejects(writer.run(statement()), { name: 'StorageError', reason: 'unavailable' })
  const second = await transactions.nth(2)
  second.finish()
  await Promise.all([last, closed])
})

await t.test('the last value under a key is written, and nothing passes a statement', (t) => {
  const changes = [value('a', '1'), value('b', '1'), value('a', '2'), removal('b'), statement(), value('a', '3')]
  const planning = { filings: new Map(), insertWords: sqlite.words.insert }
  const plan = [...planOf(changes, planning)].map(({ step }) => show(step))
  t.same(plan, [
    ['DELETE', [1], ['romeo'], ['b']],
    ['INSERT', [1], ['romeo'], ['a'], ['2']],
    ['DELETE'],
    ['INSERT', [1], ['romeo'], ['a'], ['3']],
  ])
  const many = Array.from({ length: 1200 }, (_, i) => value(`${i}`))
  t.same(
    [...planOf(many, planning)].map(({ step }) => show(step)[1]?.length),
    [500, 500, 200],
    'in portions',
  )
  t.end()
})

function show(step: Step): readonly [string, ...(readonly unknown[])[]] {
  if ('bulk' in step) return [step.bulk.text('').trim().split(' ')[0]!, ...step.columns]
  return [statementOf(step, sqlite).text.split(' ')[0]!]
}

await t.test('values are apart from the text of a statement', (t) => {
  const part = sql`b = ${'x'} AND c = ${3}`
  const query = sql`SELECT a FROM t WHERE ${part} AND d = ${null} ${sql``}`
  t.same(statementOf(query, postgres), {
    text: 'SELECT a FROM t WHERE b = $1 AND c = $2 AND d = $3 ',
    values: ['x', 3, null],
  })
  t.same(statementOf(query, sqlite).text, 'SELECT a FROM t WHERE b = ? AND c = ? AND d = ? ')
  t.end()
})
