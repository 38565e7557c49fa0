/** How changes become the fewest statements that have the same effect. */
import { SKEW_TOLERANCE } from '../archive-filter.ts'
import { millisecondOf } from '../archive-id.ts'
import { bulkSteps, dropValues, insertItems, putValues, widenSkew } from './bulk.ts'
import type { Change, ItemChange, StatementChange, ValueChange, WordsChange } from './change.ts'
import type { Bulk, Step } from './database.ts'
import type { Filing } from './numbers.ts'
import type { SqlValue } from './sql.ts'

export interface PlannedStep {
  readonly step: Step
  /** Set if the step is one of the statements given, and not one that stands for many changes. */
  readonly change?: StatementChange
}

/** What is known besides the changes. */
export interface Planning {
  /** Where each item goes. */
  readonly filings: ReadonlyMap<ItemChange, Filing>
  /** How words are indexed: rows of an id and words. */
  readonly insertWords: Bulk
}

/**
 * The steps of a transaction. Values, items and words may change places, since they are in different tables, and words
 * are of items that are there; nothing passes a statement. Of several values under one key the last is written.
 */
export function* planOf(changes: readonly Change[], planning: Planning): Generator<PlannedStep> {
  let rows = new Rows()
  for (const change of changes) {
    if (change.kind !== 'statement') {
      rows.add(change)
      continue
    }
    yield* planOfRows(rows, planning)
    yield { step: change.statement, change }
    rows = new Rows()
  }
  yield* planOfRows(rows, planning)
}

/** Changes that are made by the row. */
class Rows {
  readonly values = new Map<string, ValueChange>()
  readonly items: ItemChange[] = []
  readonly words: WordsChange[] = []

  add(change: ValueChange | ItemChange | WordsChange): void {
    if (change.kind === 'value') this.values.set(`${change.store} ${change.owner}\0${change.key}`, change)
    else if (change.kind === 'item') this.items.push(change)
    else this.words.push(change)
  }
}

function* planOfRows({ values, items, words }: Rows, { filings, insertWords }: Planning): Generator<PlannedStep> {
  const puts: SqlValue[][] = []
  const drops: SqlValue[][] = []
  for (const { store, owner, key, text } of values.values()) {
    if (text === undefined) drops.push([store, owner, key])
    else puts.push([store, owner, key, text])
  }
  for (const step of bulkSteps(dropValues, drops)) yield { step }
  for (const step of bulkSteps(putValues, puts)) yield { step }
  for (const step of bulkSteps(insertItems, itemRows(items, filings))) yield { step }
  for (const step of bulkSteps(widenSkew, skewRows(items, filings))) yield { step }
  const wordRows = words.map(({ id, words: text }) => [id, text])
  for (const step of bulkSteps(insertWords, wordRows)) yield { step }
}

function* itemRows(items: readonly ItemChange[], filings: Planning['filings']): Generator<readonly SqlValue[]> {
  for (const item of items) {
    const { archive, peer } = filingOf(item, filings)
    yield [item.id, archive.number, peer, item.resource ?? null, item.word ?? null, item.at, item.stanza]
  }
}

/** The archives whose items lie further from their ids than was known, once each; it is known from now on. */
function skewRows(items: readonly ItemChange[], filings: Planning['filings']): Iterable<readonly SqlValue[]> {
  const skews = new Map<number, number>()
  for (const item of items) {
    const { archive } = filingOf(item, filings)
    const skew = Math.abs(item.at - millisecondOf(item.id)) - SKEW_TOLERANCE
    if (skew <= archive.skew) continue
    archive.skew = skew
    skews.set(archive.number, skew)
  }
  return skews
}

function filingOf(item: ItemChange, filings: Planning['filings']): Filing {
  const filing = filings.get(item)
  if (filing === undefined) throw new Error('an item without a place')
  return filing
}
