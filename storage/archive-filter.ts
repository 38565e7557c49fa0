/** A filter of archived items, read and checked once for all drivers. */
import { firstIdAt, idNumber } from './archive-id.ts'
import { type FiledAddress, filedAddress } from './limits.ts'
import { StorageError } from './storage-error.ts'
import type { ArchiveFilter } from './store.ts'

/** What an item must be like. */
export interface ReadFilter {
  /** Both exclusive. */
  readonly after: number
  readonly before: number
  /** Milliseconds since 1970, both inclusive; infinite if not given. */
  readonly start: number
  readonly end: number
  readonly with: FiledAddress | undefined
  readonly ids: readonly number[] | undefined
}

export const everything: ReadFilter = {
  after: -1,
  before: Number.MAX_SAFE_INTEGER,
  start: -Infinity,
  end: Infinity,
  with: undefined,
  ids: undefined,
}

/** Reads a filter; undefined if nothing can match, since what stands for an id is none. */
export function readFilter(filter: ArchiveFilter): ReadFilter | undefined {
  const after = filter.after === undefined ? everything.after : idNumber(filter.after)
  const before = filter.before === undefined ? everything.before : idNumber(filter.before)
  if (after === undefined || before === undefined) return undefined
  return {
    after,
    before,
    start: millisecond(filter.start) ?? everything.start,
    end: millisecond(filter.end) ?? everything.end,
    with: filter.with === undefined ? undefined : filedAddress(filter.with),
    ids: filter.ids?.map(idNumber).filter((id) => id !== undefined),
  }
}

/** A date as a number; throws a StorageError for a date that is none. */
export function millisecond(date: Date): number
export function millisecond(date: Date | undefined): number | undefined
export function millisecond(date: Date | undefined): number | undefined {
  const time = date?.getTime()
  if (Number.isNaN(time)) throw new StorageError('invalid', 'a date is not valid')
  return time
}

/** How far the time of an item may lie from the time in its id without being noted with its archive, in milliseconds. */
export const SKEW_TOLERANCE = 1000

/** What a filter says of ids alone, in an archive whose items lie up to `skew` milliseconds further from them than is tolerated. */
export interface IdBounds {
  /** Nothing matches that is not between these, both exclusive. */
  readonly after: number
  readonly before: number
  /** From this id on nothing is too early; before the other nothing is too late. */
  readonly surelyStarted: number
  readonly surelyNotEnded: number
}

export function idBounds(filter: ReadFilter, skew: number): IdBounds {
  const margin = skew + SKEW_TOLERANCE
  return {
    after: Math.max(filter.after, firstIdAt(filter.start - margin) - 1),
    before: Math.min(filter.before, firstIdAt(filter.end + margin + 1)),
    surelyStarted: firstIdAt(filter.start + margin),
    surelyNotEnded: firstIdAt(filter.end - margin + 1),
  }
}
