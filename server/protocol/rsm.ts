/** XEP-0059: Result Set Management. Long lists, a page at a time. */
import { StanzaError } from '../stanza-error.ts'
import { type Element, xml } from '../xml/element.ts'
import { NS } from '../xml/ns.ts'
import { parseInteger } from './xsd.ts'

/** Which page is wanted: the first, if it does not say. */
export interface PageRequest {
  /** How many items at most; 0 asks for the count alone (§2.7). */
  readonly max: number | undefined
  readonly after: string | undefined
  /** The page that ends before this item; empty for the last page (§2.5). */
  readonly before: string | undefined
  /** Of the first item wanted, from 0 (§2.6). */
  readonly index: number | undefined
}

/** Where a page lies in the whole. */
export interface PageResult {
  /** Undefined for a page without items. */
  readonly first?: string | undefined
  readonly last?: string | undefined
  /** Of the first item in the whole, from 0; may be approximate. */
  readonly index?: number | undefined
  /** Of all items; may be approximate. */
  readonly count?: number | undefined
}

/** A page of a list that is at hand as a whole. */
export interface Page<T> extends PageResult {
  readonly items: readonly T[]
}

/** The request in the `<set/>` among the children of a payload, if there is one. Throws StanzaError. */
export function readPageRequest(payload: Element): PageRequest | undefined {
  const set = payload.child('set', NS.rsm)
  if (set === undefined) return undefined
  return {
    max: integerIn(set, 'max'),
    // An empty one is what a client sends that has seen nothing yet.
    after: set.child('after')?.getText() || undefined,
    before: set.child('before')?.getText(),
    index: integerIn(set, 'index'),
  }
}

/** How many items to send: what was asked for, or else the usual number, but never more than the limit. */
export function pageSize(request: PageRequest | undefined, { usual, limit }: { usual: number; limit: number }): number {
  return Math.min(request?.max ?? usual, limit)
}

/** The `<set/>` that goes with a page. */
export function renderPage({ first, last, index, count }: PageResult): Element {
  return xml(
    'set',
    { xmlns: NS.rsm },
    first !== undefined && xml('first', { index: index?.toString() }, first),
    last !== undefined && xml('last', {}, last),
    count !== undefined && xml('count', {}, count.toString()),
  )
}

/**
 * Cuts a page out of a whole list, whose items have distinct ids. Throws item-not-found if the item that the page
 * shall follow or precede is not in the list (§2.4).
 */
export function pageOf<T>(
  all: readonly T[],
  idOf: (item: T) => string,
  request: PageRequest | undefined,
  size: number,
): Page<T> {
  const [start, end] = bounds(all.map(idOf), request, size)
  const items = all.slice(start, end)
  const first = items[0]
  const last = items.at(-1)
  if (first === undefined || last === undefined) return { items, count: all.length }
  return { items, first: idOf(first), last: idOf(last), index: start, count: all.length }
}

/** xs:int (§8), and a number of things besides. */
const COUNTS = { min: 0, max: 0x7fff_ffff }

function integerIn(set: Element, name: string): number | undefined {
  const text = set.child(name)?.getText()
  if (text === undefined) return undefined
  const value = parseInteger(text, COUNTS)
  if (value === undefined) throw new StanzaError('bad-request', `The ${name} of the result set must be a whole number`)
  return value
}

/**
 * Of the page: its first index, and the index behind its last. `after` and `before` together are not defined; here
 * they enclose what is wanted.
 */
function bounds(ids: readonly string[], request: PageRequest | undefined, size: number): [number, number] {
  const { after, before, index = 0 } = request ?? {}
  const low = after === undefined ? index : placeOf(ids, after) + 1
  if (before === undefined) return [low, low + size]
  const high = before === '' ? ids.length : placeOf(ids, before)
  return [Math.max(low, high - size), high]
}

function placeOf(ids: readonly string[], id: string): number {
  const place = ids.indexOf(id)
  if (place === -1) throw new StanzaError('item-not-found', 'The item that the page was asked for by is gone')
  return place
}
