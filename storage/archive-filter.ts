/** A filter of archived items, read and checked once for all drivers. */
import { firstIdAt, idNumber } from './archive-id.ts'
import { type FiledAddress, filedAddress } from './limits.ts'
import { StorageError } from './storage-error.ts'
import type { ArchiveSearch } from './store.ts'
import { type Term, termsOf } from './words.ts'

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
  /** At least one, if it is a search. */
  readonly terms: readonly Term[] | undefined
}

export const everything: ReadFilter = {
  after: -1,
  before: Number.MAX_SAFE_INTEGER,
  start: -Infinity,
  end: Infinity,
  with: undefined,
  ids: undefined,
  terms: undefined,
}

/** Reads a filter; undefined if nothing can match, since what stands for an id is none, or there is no word to be found. */
export function readFilter(filter: ArchiveSearch): ReadFilter | undefined {
  const after = filter.after === undefined ? everything.after : idNumber(filter.after)
  const before = filter.before === undefined ? everything.before : idNumber(filter.before)
  const terms = filter.text === undefined ? undefined : readTerms(filter.text)
  if (after === undefined || before === undefined || terms?.length === 0) return undefined
  return {
    after,
    before,
    start: millisecond(filter.start) ?? everything.start,
    end: millisecond(filter.end) ?? everything.end,
    with: filter.with === undefined ? undefined : filedAddress(filter.with),
    ids: filter.ids?.map(idNumber).filter((id) => id !== undefined),
    terms,
  }
}

/** Throws a StorageError if it is more than anybody would look for. */
function readTerms(text: string): readonly Term[] {
  if (text.length > SEARCH_CHARS) throw new StorageError('invalid', 'what is searched for is too long')
  return termsOf(text)
}

/** Whoever wants to search an archive has to declare it so. */
export function notSearchable(): StorageError {
  return new StorageError('invalid', 'this archive was not declared to be searched')
}

/** The most characters that can be searched for. */
export const SEARCH_CHARS = 256

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
