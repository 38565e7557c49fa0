/** XEP-0313 §4.2, §4.3, §5: what an archive answers, a page at a time. */
import { LRUCache } from 'lru-cache'
import { StanzaError } from '../stanza-error.ts'
import { type Element, xml } from '../xml/element.ts'
import { NS } from '../xml/ns.ts'
import { rawElement } from '../xml/raw-element.ts'
import type { ArchiveFilter, ArchiveItem, ArchiveStore, Owner } from '../../storage/store.ts'
import type { ArchiveRequest } from './archive-query.ts'
import { formatDateTime } from './date-time.ts'
import { delayElement } from './delay.ts'
import { renderPage } from './rsm.ts'

export interface ArchivePage {
  /** The oldest first, always. */
  readonly items: readonly ArchiveItem[]
  /** Nothing that was asked for lies beyond the page (§4.3.2). */
  readonly isComplete: boolean
  /** Of all that was asked for, on whatever page. */
  readonly count: number
}

/** Reads the archives of one store, in pages. */
export class ArchiveReader {
  readonly #store: ArchiveStore
  readonly #totals: Totals

  constructor(store: ArchiveStore) {
    this.#store = store
    this.#totals = new Totals(store)
  }

  /** The page that was asked for, of at most `size` items. Throws item-not-found if the request names an id that is not there (§4.1.3, §4.3.2). */
  async page(owner: Owner, request: ArchiveRequest, size: number): Promise<ArchivePage> {
    const { page } = request
    const isBackwards = page?.before !== undefined
    const query = { ...filterOf(request), limit: size + 1, newestFirst: isBackwards }
    const [found, total] = await Promise.all([
      size === 0 ? [] : this.#store.find(owner, query),
      this.#count(owner, request),
      this.#requireIds(owner, request),
    ])
    const items = found.slice(0, size)
    const isComplete = size === 0 ? total === 0 : found.length <= size
    return { items: isBackwards ? items.toReversed() : items, isComplete, count: total }
  }

  /** The first and the last item of the whole, as `<metadata/>` (§5). */
  async metadata(owner: Owner): Promise<Element> {
    const [[first], [last]] = await Promise.all([
      this.#store.find(owner, { limit: 1 }),
      this.#store.find(owner, { limit: 1, newestFirst: true }),
    ])
    return xml('metadata', { xmlns: NS.mam }, first && endElement('start', first), last && endElement('end', last))
  }

  /** To be called when items were removed, of one owner or of all. */
  forget(owner?: Owner): void {
    this.#totals.forget(owner)
  }

  #count(owner: Owner, { with: peer, start, end, afterId: after, beforeId: before, ids }: ArchiveRequest) {
    const filter = { with: peer?.full, start, end, after, before, ids }
    const isFiltered = Object.values(filter).some((value) => value !== undefined)
    return isFiltered ? this.#store.count(owner, filter) : this.#totals.of(owner)
  }

  async #requireIds(owner: Owner, { afterId, beforeId, ids = [], page }: ArchiveRequest): Promise<void> {
    // The last page is asked for by an empty `before` (XEP-0059 §2.5).
    const isId = (id: string | undefined): id is string => id !== undefined && id !== ''
    const named = new Set([afterId, beforeId, page?.after, page?.before, ...ids].filter(isId))
    if (named.size === 0) return
    const there = await this.#store.count(owner, { ids: [...named] })
    if (there < named.size) throw new StanzaError('item-not-found', 'There is no message with that id')
  }
}

/**
 * The `<result/>` of one item (§4.2). `stanza` is the message as whoever asks may see it: as it was archived, unless it
 * is given.
 */
export function resultElement(item: ArchiveItem, queryId: string | undefined, stanza = archivedElement(item)): Element {
  const forwarded = xml('forwarded', { xmlns: NS.forward }, delayElement(item.when), stanza)
  return xml('result', { xmlns: NS.mam, queryid: queryId, id: item.id }, forwarded)
}

/** The `<fin/>` that ends a page (§4.3.2). */
export function finElement({ items, isComplete, count }: ArchivePage, { isStable = true } = {}): Element {
  const complete = isComplete ? 'true' : undefined
  const stable = isStable ? undefined : 'false'
  const page = renderPage({ first: items[0]?.id, last: items.at(-1)?.id, count })
  return xml('fin', { xmlns: NS.mam, complete, stable }, page)
}

/** The message of an item. Archives hold what `Stanza.toString` writes, which leaves out the namespace of the stream. */
export function archivedElement({ stanza }: ArchiveItem): Element {
  return rawElement('message', NS.client, `<message xmlns='${NS.client}'${stanza.slice('<message'.length)}`)
}

/** Bounds of the form and of the page hold both; ids sort as the items do. */
function filterOf({ with: peer, start, end, afterId, beforeId, ids, page }: ArchiveRequest): ArchiveFilter {
  const after = afterId !== undefined && afterId > (page?.after ?? '') ? afterId : page?.after
  const pageBefore = page?.before === '' ? undefined : page?.before
  const before = beforeId !== undefined && (pageBefore === undefined || beforeId < pageBefore) ? beforeId : pageBefore
  return { with: peer?.full, start, end, after, before, ids }
}

function endElement(name: 'start' | 'end', { id, when }: ArchiveItem): Element {
  return xml(name, { id, timestamp: formatDateTime(when) })
}

/** How many items archives have: counted once, and later only what has come since. */
class Totals {
  readonly #store: ArchiveStore
  /** The count up to an item, and its id. */
  readonly #counted = new LRUCache<Owner, { readonly upTo: string; readonly count: number }>({ max: TOTALS })

  constructor(store: ArchiveStore) {
    this.#store = store
  }

  async of(owner: Owner): Promise<number> {
    const known = this.#counted.get(owner)
    const newer = known && (await this.#store.count(owner, { after: known.upTo }))
    if (known !== undefined && newer !== undefined && newer < RECOUNTED) return known.count + newer
    const [last] = await this.#store.find(owner, { limit: 1, newestFirst: true })
    if (last === undefined) return 0
    const before = await this.#store.count(owner, { before: last.id })
    this.#counted.set(owner, { upTo: last.id, count: before + 1 })
    return before + 1
  }

  forget(owner?: Owner): void {
    if (owner === undefined) this.#counted.clear()
    else this.#counted.delete(owner)
  }
}

/** Archives whose count is kept. */
const TOTALS = 10_000
/** If so many have come since, the whole is counted again. */
const RECOUNTED = 500
