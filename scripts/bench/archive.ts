/**
 * How fast archives take stanzas and give them back, and what that costs the
 * main thread: `node scripts/bench/archive.ts [memory] [sqlite] [postgres]`;
 * with `--messages 10000000`, what archives cost that have become so long.
 * The databases wait for the disk.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { DatabaseSync } from 'node:sqlite'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { systemClock } from '../../server/util/clock.ts'
import { postgres, sqlite } from '../../storage/sql/dialect.ts'
import { Storage, type StorageOptions } from '../../storage/storage.ts'
import { type ArchiveQuery, type ArchiveStore, archive, keyval, type NewArchiveItem } from '../../storage/store.ts'
import { startPostgres } from '../../spec/support/postgres.ts'
import { type Behind, measureBig } from './big-archive.ts'

const OWNERS = 1000
const PEERS = 10
/** The archive that is read has this many items. */
const READ_ITEMS = 10_000
/** 430 bytes. */
const STANZA = `<message type='chat' from='romeo@example.net/orchard' to='juliet@example.com'>${'x'.repeat(342)}</message>`

const { values, positionals: chosen } = parseArgs({
  allowPositionals: true,
  options: { messages: { type: 'string' } },
})
const measureIt = (name: string, options: StorageOptions, behind: Behind): Promise<void> =>
  values.messages === undefined ? measureAll(name, options) : measureBig(name, options, Number(values.messages), behind)

const runs: Readonly<Record<string, () => Promise<void>>> = {
  memory: () => measureAll('memory', { driver: 'memory' }),
  async sqlite() {
    const folder = await mkdtemp(join(tmpdir(), 'madrigal-bench-'))
    const path = join(folder, 'madrigal.db')
    const execute = async (sql: string): Promise<void> => {
      const database = new DatabaseSync(path, { timeout: 60_000 })
      database.exec(sql)
      database.close()
    }
    await measureIt('SQLite', { driver: 'sqlite', path }, { dialect: sqlite, execute })
    await rm(folder, { recursive: true })
  },
  async postgres() {
    await using server = await startPostgres({ durable: true })
    await using database = await server.createDatabase()
    const execute = async (sql: string): Promise<void> => {
      const client = new pg.Client({ connectionString: database.url })
      await client.connect()
      await client.query(sql)
      await client.end()
    }
    const words = {
      drop: 'DROP INDEX archive_words_words',
      create: `
        SET maintenance_work_mem = '1GB';
        CREATE INDEX archive_words_words ON archive_words USING gin (words) WITH (fastupdate = off)`,
    }
    await measureIt('PostgreSQL', { driver: 'postgres', url: database.url }, { dialect: postgres, execute, words })
  },
}

for (const name of chosen.length > 0 ? chosen : ['sqlite', 'postgres']) await runs[name]?.()

async function measureAll(name: string, options: StorageOptions): Promise<void> {
  console.log(name)
  const storage = await Storage.start(options, { clock: systemClock })
  const { messages, prefs } = await storage.open('bench.example', { messages: archive('a'), prefs: keyval('p') })
  await inTurns(messages, 1, 2000, 'wait')
  for (const [perTurn, turns] of [
    [1, 5000],
    [10, 2000],
    [100, 500],
  ] as const) {
    await measureAppends(messages, perTurn, turns, 'wait')
    await measureAppends(messages, perTurn, turns, 'go on')
  }
  await measureAppends(messages, 5000, 10, 'wait')
  await measureReads(messages)
  await measureTimes('  keyval: set and wait', 500, (i) => prefs.set(`user${i}`, { default: 'always', i }))
  await storage.close()
}

/** Many turns that append so many items each, with or without waiting for them. */
async function measureAppends(
  messages: ArchiveStore,
  perTurn: number,
  turns: number,
  then: 'wait' | 'go on',
): Promise<void> {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  const started = performance.now()
  const cpu = process.threadCpuUsage()
  const latencies = await inTurns(messages, perTurn, turns, then)
  const { user, system } = process.threadCpuUsage(cpu)
  const seconds = (performance.now() - started) / 1000
  delay.disable()
  const count = perTurn * turns
  const sorted = latencies.toSorted((a, b) => a - b)
  line(`  append, ${perTurn} a turn, ${then}`, {
    '/s': count / seconds,
    'µs main thread': (user + system) / count,
    'ms p50': quantile(sorted, 0.5),
    'ms p99': quantile(sorted, 0.99),
    'ms longest turn': delay.max / 1e6,
  })
}

/** Gives for each turn the milliseconds until its first item was durable. */
async function inTurns(
  messages: ArchiveStore,
  perTurn: number,
  turns: number,
  then: 'wait' | 'go on',
): Promise<number[]> {
  const latencies: number[] = []
  const outstanding = new Set<Promise<unknown>>()
  for (let turn = 0; turn < turns; turn++) {
    const began = performance.now()
    const appended = Array.from({ length: perTurn }, (_, i) => messages.append(...itemOf(turn * perTurn + i)))
    const all = Promise.all(appended.map(({ stored }) => stored))
    const first = appended[0]!.stored.then(() => void latencies.push(performance.now() - began))
    const written = Promise.all([all, first])
    outstanding.add(written)
    const left = written.finally(() => outstanding.delete(written))
    if (then === 'wait' || outstanding.size * perTurn > 10_000) await left
    else await new Promise((resolve) => setImmediate(resolve))
  }
  await Promise.all(outstanding)
  return latencies
}

function itemOf(n: number): [owner: string, item: NewArchiveItem] {
  const peer = `peer${Math.floor(n / OWNERS) % PEERS}@example.com/phone`
  return [`user${n % OWNERS}`, { when: new Date(), with: peer, stanza: STANZA }]
}

async function measureReads(messages: ArchiveStore): Promise<void> {
  const begun = new Date()
  const ids: string[] = []
  for (let i = 0; i < READ_ITEMS; i += 100) {
    const appended = Array.from({ length: 100 }, (_, j) => messages.append('reader', itemOf((i + j) * OWNERS)[1]))
    ids.push(...appended.map(({ id }) => id))
    await Promise.all(appended.map(({ stored }) => stored))
  }
  const middle = ids[READ_ITEMS / 2]!
  const queries: Readonly<Record<string, ArchiveQuery>> = {
    'the newest 50': { limit: 50, newestFirst: true },
    'the oldest 50': { limit: 50 },
    '50 after an id': { limit: 50, after: middle },
    '50 before an id with a peer': { limit: 50, before: middle, newestFirst: true, with: 'peer3@example.com' },
    '50 since a time': { limit: 50, start: new Date((begun.getTime() + Date.now()) / 2) },
    'one by its id': { limit: 1, ids: [middle] },
  }
  for (const [name, query] of Object.entries(queries)) {
    const { length } = await messages.find('reader', query)
    if (length !== query.limit) throw new Error(`${name}: ${length} items`)
    await measureTimes(`  find ${name}`, 500, () => messages.find('reader', query))
  }
  await measureTimes(`  count ${READ_ITEMS}`, 50, () => messages.count('reader', {}))
  await measureTimes('  count with a peer', 50, () => messages.count('reader', { with: 'peer3@example.com' }))
}

async function measureTimes(name: string, times: number, run: (i: number) => Promise<unknown>): Promise<void> {
  for (let i = 0; i < 20; i++) await run(i)
  const durations: number[] = []
  const cpu = process.threadCpuUsage()
  for (let i = 0; i < times; i++) {
    const began = performance.now()
    await run(i)
    durations.push(performance.now() - began)
  }
  const { user, system } = process.threadCpuUsage(cpu)
  const sorted = durations.toSorted((a, b) => a - b)
  line(name, {
    'µs main thread': (user + system) / times,
    'ms p50': quantile(sorted, 0.5),
    'ms p99': quantile(sorted, 0.99),
  })
}

function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0
}

function line(name: string, figures: Readonly<Record<string, number>>): void {
  const texts = Object.entries(figures).map(([unit, value]) => `${format(value).padStart(8)} ${unit}`)
  console.log(`${name.padEnd(36)}${texts.join('  ')}`)
}

function format(value: number): string {
  return value >= 100 ? String(Math.round(value)) : value.toFixed(value >= 10 ? 1 : 2)
}
