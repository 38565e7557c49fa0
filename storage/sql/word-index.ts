/**
 * Full-text search: the words of archived items, indexed a while after the items are written.
 *
 * To index a message takes longer than to store it, so nobody waits for it. Everything up to an id is in the index, and
 * what came after it is read by whoever searches; so a search finds what was written before it, whether it is indexed
 * yet or not. What is older than the index itself is indexed in the same way, a slice at a time, and is found meanwhile.
 */
import type { Log } from '../../server/log/log.ts'
import type { Clock } from '../../server/util/clock.ts'
import type { TextOf } from '../store.ts'
import { wordsOf } from '../words.ts'
import type { Change, StatementChange, WordsChange } from './change.ts'
import type { Database } from './database.ts'
import { type Sql, sql } from './sql.ts'
import { indexText } from './word-tables.ts'
import type { Writer } from './writer.ts'

/** What the index gets from the driver. */
export interface WordIndexGiven {
  readonly database: Database
  readonly writer: Writer
  readonly clock: Pick<Clock, 'after'>
  readonly log: Pick<Log, 'warn'> | undefined
}

export class WordIndex {
  readonly #given: WordIndexGiven
  /** How to read the stanzas of the stores that can be searched, by the numbers of these. */
  readonly #texts = new Map<number, TextOf>()
  #last: number
  #timer: Disposable | undefined
  #isRunning = false
  /** One slice after another. Never rejects. */
  #slices: Promise<unknown> = Promise.resolve()
  #isClosed = false

  static async open(given: WordIndexGiven): Promise<WordIndex> {
    return new WordIndex(given, await readLast(given.database))
  }

  private constructor(given: WordIndexGiven, last: number) {
    this.#given = given
    this.#last = last
  }

  /** The words of all items up to this one are in the index. */
  get last(): number {
    return this.#last
  }

  /** From now on the items of the store are indexed. If there are some that never were, all are gone through once more. */
  async include(store: number, textOf: TextOf): Promise<void> {
    if (this.#texts.has(store)) return
    this.#texts.set(store, textOf)
    await this.#alone(async () => {
      await this.#write([
        statementChange(sql`
          UPDATE archive_indexed SET last = 0 WHERE EXISTS (SELECT 1 FROM archive WHERE store = ${store})
            AND EXISTS (SELECT 1 FROM store WHERE number = ${store} AND searchable = 0)`),
        statementChange(sql`UPDATE store SET searchable = 1 WHERE number = ${store} AND searchable = 0`),
      ])
      this.#last = await readLast(this.#given.database)
    })
    this.#later()
  }

  /** To be called when something was appended. */
  appended(store: number): void {
    if (this.#timer === undefined && !this.#isRunning && this.#texts.has(store)) this.#later()
  }

  /** The words of a stanza, as they stand in the index. */
  wordsOf(store: number, archive: number, stanza: string): string {
    return indexText(wordsOf(this.#texts.get(store)?.(stanza) ?? ''), archive)
  }

  /** Indexes what is not indexed yet, without the usual rests. */
  async catchUp(): Promise<void> {
    await this.#given.writer.settled(undefined)
    while (await this.#alone(() => this.#slice()));
  }

  /** Resolves when the slice that is under way is done. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#timer?.[Symbol.dispose]()
    await this.#slices
  }

  #later(milliseconds = DELAY_MILLISECONDS): void {
    if (this.#isClosed || this.#timer !== undefined) return
    this.#timer = this.#given.clock.after(milliseconds, () => {
      this.#timer = undefined
      void this.#run()
    })
  }

  /** A slice, and a rest that is longer if others have something to write. Never rejects. */
  async #run(): Promise<void> {
    this.#isRunning = true
    const rests = this.#given.writer.isIdle ? RESTS_IF_IDLE : RESTS
    const began = performance.now()
    try {
      if (await this.#alone(() => this.#slice())) this.#later((performance.now() - began) * rests)
    } catch (error) {
      if (!this.#isClosed) this.#given.log?.warn('words of archives were not indexed', { error })
      this.#later(FAILED_MILLISECONDS)
    }
    this.#isRunning = false
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#slices.then(work)
    this.#slices = done.catch(() => {})
    return done
  }

  /** Indexes some items; false if these were the last. */
  async #slice(): Promise<boolean> {
    const rows = await this.#given.database.query<UnindexedRow>(sql`
      SELECT id, archive, store, stanza,
        CASE WHEN searchable = 1 AND id > (SELECT reached FROM archive_indexed) THEN 1 ELSE 0 END AS wanted
      FROM archive_item JOIN archive ON archive.number = archive JOIN store ON store.number = store
      WHERE id > ${this.#last} ORDER BY id LIMIT ${SLICE_ITEMS}`)
    const last = rows.at(-1)
    if (last === undefined || this.#isClosed) return false
    const noted = statementChange(sql`
      UPDATE archive_indexed SET last = ${last.id}, reached = CASE WHEN reached < ${last.id} THEN ${last.id} ELSE reached END`)
    await this.#write([...this.#wordsIn(rows), ...this.#passedBy(rows), noted])
    this.#last = last.id
    return rows.length === SLICE_ITEMS
  }

  *#wordsIn(rows: readonly UnindexedRow[]): Generator<WordsChange> {
    for (const { id, archive, store, stanza } of rows) {
      const words = this.wordsOf(store, archive, stanza)
      if (words !== '') yield { kind: 'words', id, words }
    }
  }

  /** Of a store that nobody has opened this time, what is passed by now is to be indexed when somebody does. */
  *#passedBy(rows: readonly UnindexedRow[]): Generator<StatementChange> {
    const stores = new Set(rows.filter((row) => row.wanted === 1).map(({ store }) => store))
    for (const store of stores) {
      if (!this.#texts.has(store)) yield statementChange(sql`UPDATE store SET searchable = 0 WHERE number = ${store}`)
    }
  }

  #write(changes: readonly Change[]): Promise<void> {
    return this.#given.writer.write(INDEXER, changes)
  }
}

async function readLast(database: Database): Promise<number> {
  const [row] = await database.query<{ last: number }>(sql`SELECT last FROM archive_indexed`)
  return row?.last ?? 0
}

function statementChange(statement: Sql): StatementChange {
  return { kind: 'statement', owner: INDEXER, statement }
}

interface UnindexedRow {
  readonly id: number
  readonly archive: number
  readonly store: number
  /** 1 if it is to be searched, and the index has never come so far. */
  readonly wanted: number
  readonly stanza: string
}

/** No owner has this name, so no owner's reads wait for the index. */
const INDEXER = '\0words'
/** Some milliseconds of work. */
const SLICE_ITEMS = 250
/** So long what was appended is left to the searches. */
const DELAY_MILLISECONDS = 5000
const FAILED_MILLISECONDS = 60_000
/** How much longer than a slice the rest after it takes. */
const RESTS = 9
const RESTS_IF_IDLE = 1
