/** What archives hold after years: how fast that many messages get in, and what it takes to find some of them. */
import { setImmediate as turn } from 'node:timers/promises'
import type { Clock } from '../../server/util/clock.ts'
import { messageText } from '../../server/protocol/archive-text.ts'
import { Storage, type StorageOptions } from '../../storage/storage.ts'
import type { Dialect } from '../../storage/sql/dialect.ts'
import { type ArchiveQuery, type ArchiveStore, archive, type NewArchiveItem } from '../../storage/store.ts'

const OWNERS = 2000
const PEERS = 20
/** One owner has so much of everything. */
const GREATEST_SHARE = 0.03
const WORDS = 20_000
const DAYS = 1000
const BEGINNING = Date.UTC(2022, 0, 1)
const TURN_MESSAGES = 2000
const QUERIES = 200

/** A clock that goes as fast as messages come, and the same random numbers each time. */
class Past implements Pick<Clock, 'now' | 'after'> {
  #now = BEGINNING
  #state = 1

  now(): number {
    return this.#now
  }

  /** The index is asked to catch up instead. */
  after(): Disposable {
    return { [Symbol.dispose]: () => {} }
  }

  step(milliseconds: number): void {
    this.#now += milliseconds
  }

  /** From 0 to 1 (a linear congruential generator, as in Numerical Recipes). */
  random(): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0
    return this.#state / 2 ** 32
  }

  below(limit: number): number {
    return Math.floor(this.random() * limit)
  }

  /** The nth most frequent word is used about 1/n as often as the first (Zipf). */
  word(): string {
    return `w${Math.floor(WORDS ** this.random())}`
  }
}

/** Messages to ask for. */
type Sample = readonly (readonly [owner: string, id: string])[]

/** A database that can be told things behind the back of the storage, and what its indexes are sorted by at last. */
export interface Behind {
  readonly dialect: Pick<Dialect, 'idInIndex'>
  readonly execute: (sql: string) => Promise<void>
  /** An index of words that is better made at once. */
  readonly words?: { readonly drop: string; readonly create: string }
}

export async function measureBig(
  name: string,
  options: StorageOptions,
  messages: number,
  { dialect, execute, words }: Behind,
): Promise<void> {
  console.log(`${name}, ${messages} messages`)
  const past = new Past()
  const storage = await Storage.start(options, { clock: past })
  const opened = await storage.open('bench.example', { messages: archive('a', { textOf: messageText }) })
  // Years of messages at once would be written to every page of these, again and again.
  await execute('DROP INDEX archive_item_archive; DROP INDEX archive_item_peer')
  await timed('  append, without two indexes', messages, async () => fill(opened.messages, past, messages))
  await timed('  make the indexes', messages, () =>
    execute(`
      CREATE INDEX archive_item_archive ON archive_item (archive${dialect.idInIndex});
      CREATE INDEX archive_item_peer ON archive_item (archive, peer${dialect.idInIndex})`),
  )
  if (words !== undefined) await execute(words.drop)
  await timed(words === undefined ? '  index' : '  words', messages, () => storage.indexed())
  if (words !== undefined) await timed('  index them', messages, () => execute(words.create))
  const owners = {
    usual: () => `user${1 + past.below(OWNERS - 1)}`,
    greatest: () => 'user0',
  }
  for (const [kind, anyOwner] of Object.entries(owners)) {
    console.log(`  ${kind} archive: ${await opened.messages.count(anyOwner(), {})} messages`)
    await measureQueries(opened.messages, past, await sample(opened.messages, past, anyOwner))
  }
  await storage.close()
}

/** Three transactions are on their way at a time. */
async function fill(store: ArchiveStore, past: Past, messages: number): Promise<void> {
  const step = (DAYS * 86_400_000) / messages
  const stored: Promise<void>[] = []
  for (let n = 0; n < messages; n++) {
    past.step(step)
    const owner = past.random() < GREATEST_SHARE ? 0 : past.below(OWNERS)
    const appended = store.append(`user${owner}`, message(past, owner))
    if (n % TURN_MESSAGES !== 0) continue
    stored.push(appended.stored)
    if (stored.length > 3) await stored.shift()
    await turn()
  }
  await Promise.all(stored)
}

function message(past: Past, owner: number): NewArchiveItem {
  const peer = `peer${(owner + past.below(PEERS)) % OWNERS}@example.com/phone`
  const words = Array.from({ length: 2 + past.below(16) }, () => past.word())
  const body = `<body>${words.join(' ')}</body><origin-id xmlns='urn:xmpp:sid:0' id='3b2c9e7e-1f0a-4e0e-9d56-0e1a6d3f7c11'/>`
  const extra = `<active xmlns='http://jabber.org/protocol/chatstates'/><request xmlns='urn:xmpp:receipts'/>`
  const stanza = `<message type='chat' from='${peer}' to='user${owner}@bench.example' id='x'>${body}${extra}</message>`
  return { when: new Date(past.now()), with: peer, stanza }
}

/** A message from anywhere in an archive, for each query. */
async function sample(store: ArchiveStore, past: Past, anyOwner: () => string): Promise<Sample> {
  const ids: (readonly [string, string])[] = []
  while (ids.length < QUERIES) {
    const owner = anyOwner()
    const start = new Date(BEGINNING + past.random() * 0.9 * DAYS * 86_400_000)
    const [item] = await store.find(owner, { start, limit: 1 })
    if (item !== undefined) ids.push([owner, item.id])
  }
  return ids
}

async function measureQueries(store: ArchiveStore, past: Past, ids: Sample): Promise<void> {
  const dayOf = (): Date => new Date(BEGINNING + past.random() * 0.9 * DAYS * 86_400_000)
  const kinds: Readonly<Record<string, (id: string) => ArchiveQuery>> = {
    'last page': () => ({ limit: 50, newestFirst: true }),
    'page before an id': (before) => ({ before, limit: 50, newestFirst: true }),
    'page after an id': (after) => ({ after, limit: 50 }),
    'last page with a peer': () => ({ with: `peer${past.below(PEERS)}@example.com`, limit: 50, newestFirst: true }),
    'page since a time': () => ({ start: dayOf(), limit: 50 }),
    'page until a time': () => ({ end: dayOf(), limit: 50, newestFirst: true }),
    'one by its id': (id) => ({ ids: [id], limit: 1 }),
    'search, a frequent word': () => ({ text: `w${1 + past.below(10)}`, limit: 50, newestFirst: true }),
    'search, a word': () => ({ text: `w${100 + past.below(900)}`, limit: 50, newestFirst: true }),
    'search, a rare word': () => ({ text: `w${10_000 + past.below(9000)}`, limit: 50, newestFirst: true }),
    'search, two words': () => ({ text: `${past.word()} ${past.word()}`, limit: 50, newestFirst: true }),
    'search, a word with a peer': () => ({
      text: `w${10 + past.below(90)}`,
      with: `peer${past.below(PEERS)}@example.com`,
      limit: 50,
    }),
  }
  for (const [name, queryFor] of Object.entries(kinds)) {
    await measure(name, ids, (owner, id) => store.find(owner, queryFor(id)).then(({ length }) => length))
  }
  await measure('count of all', ids, (owner) => store.count(owner, {}))
  await measure('count of a search', ids, (owner) => store.count(owner, { text: `w${100 + past.below(900)}` }))
}

/** Prints milliseconds, and how many items were found on average. */
async function measure(name: string, ids: Sample, run: (owner: string, id: string) => Promise<number>) {
  const durations: number[] = []
  let found = 0
  for (const [owner, id] of ids) {
    const began = performance.now()
    found += await run(owner, id)
    durations.push(performance.now() - began)
  }
  const sorted = durations.toSorted((a, b) => a - b)
  const at = (share: number): string => (sorted[Math.floor(sorted.length * share)] ?? 0).toFixed(2).padStart(8)
  const items = (found / ids.length).toFixed(1)
  console.log(`    ${name.padEnd(28)}${at(0.5)} ms p50 ${at(0.95)} ms p95 ${at(0.995)} ms max   ${items} items`)
}

async function timed(name: string, count: number, run: () => Promise<unknown>): Promise<void> {
  const began = performance.now()
  await run()
  const seconds = (performance.now() - began) / 1000
  console.log(`${name.padEnd(32)}${Math.round(count / seconds)} /s, ${seconds.toFixed(0)} s`)
}
