/** How changes become the fewest statements that have the same effect. */
import { SKEW_TOLERANCE } from '../archive-filter.ts'
import { millisecondOf } from '../archive-id.ts'
import { bulkSteps, dropValues, insertItems, putValues, widenSkew } from './bulk.ts'
import type { Change, ItemChange, StatementChange, ValueChange } from './change.ts'
import type { Step } from './database.ts'
import type { Filing } from './numbers.ts'
import type { SqlValue } from './sql.ts'

export interface PlannedStep {
  readonly step: Step
  /** Set if the step is one of the statements given, and not one that stands for many changes. */
  readonly change?: StatementChange
}

/** Where each item goes. */
export type Filings = ReadonlyMap<ItemChange, Filing>

/**
 * The steps of a transaction. Values and items may change places, since they
 * are in different tables; nothing passes a statement. Of several values under
 * one key the last is written.
 */
export function* planOf(changes: readonly Change[], filings: Filings): Generator<PlannedStep> {
  let values = new Map<string, ValueChange>()
  let items: ItemChange[] = []
  for (const change of changes) {
    if (change.kind === 'value') values.set(`${change.store} ${change.owner}\0${change.key}`, change)
    if (change.kind === 'item') items.push(change)
    if (change.kind !== 'statement') continue
    yield* planOfRows(values.values(), items, filings)
    yield { step: change.statement, change }
    values = new Map()
    items = []
  }
  yield* planOfRows(values.values(), items, filings)
}

function* planOfRows(
  values: Iterable<ValueChange>,
  items: readonly ItemChange[],
  filings: Filings,
): Generator<PlannedStep> {
  const puts: SqlValue[][] = []
  const drops: SqlValue[][] = []
  for (const { store, owner, key, text } of values) {
    if (text === undefined) drops.push([store, owner, key])
    else puts.push([store, owner, key, text])
  }
  for (const step of bulkSteps(dropValues, drops)) yield { step }
  for (const step of bulkSteps(putValues, puts)) yield { step }
  for (const step of bulkSteps(insertItems, itemRows(items, filings))) yield { step }
  for (const step of bulkSteps(widenSkew, skewRows(items, filings))) yield { step }
}

function* itemRows(items: readonly ItemChange[], filings: Filings): Generator<readonly SqlValue[]> {
  for (const item of items) {
    const { archive, peer } = filingOf(item, filings)
    yield [item.id, archive.number, peer, item.resource ?? null, item.word ?? null, item.at, item.stanza]
  }
}

/** The archives whose items lie further from their ids than was known, once each; it is known from now on. */
function skewRows(items: readonly ItemChange[], filings: Filings): Iterable<readonly SqlValue[]> {
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

function filingOf(item: ItemChange, filings: Filings): Filing {
  const filing = filings.get(item)
  if (filing === undefined) throw new Error('an item without a place')
  return filing
}
