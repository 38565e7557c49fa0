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

/** Reads the archives of one store, in pages. What it knows of an archive saves most pages all questions but one. */
export class ArchiveReader {
  readonly #store: ArchiveStore
  readonly #known = new LRUCache<Owner, Known>({ max: ARCHIVES_KNOWN })

  constructor(store: ArchiveStore) {
    this.#store = store
  }

  /**
   * The page that was asked for, of at most `size` items. Throws item-not-found if the request names an id that is not
   * there (§4.1.3, §4.3.2).
   */
  async page(owner: Owner, request: ArchiveRequest, size: number): Promise<ArchivePage> {
    const isBackwards = request.page?.before !== undefined
    const query = { ...filterOf(request), limit: size + 1, newestFirst: isBackwards }
    const [found, count] = await Promise.all([
      size === 0 ? [] : this.#store.find(owner, query),
      this.#count(owner, request),
      this.#requireIds(owner, request),
    ])
    const page = found.slice(0, size)
    const items = isBackwards ? page.toReversed() : page
    this.#know(owner).ends = [items[0]?.id, items.at(-1)?.id]
    return { items, isComplete: size === 0 ? count === 0 : found.length <= size, count }
  }

  /** The first and the last item of the whole, as `<metadata/>` (§5). */
  async metadata(owner: Owner): Promise<Element> {
    const [[first], [last]] = await Promise.all([
      this.#store.find(owner, { limit: 1 }),
      this.#store.find(owner, { limit: 1, newestFirst: true }),
    ])
    return xml('metadata', { xmlns: NS.mam }, first && endElement('start', first), last && endElement('end', last))
  }

  /** To be called for each item that is appended. */
  added(owner: Owner): void {
    const known = this.#known.peek(owner)
    if (known?.count !== undefined) known.count++
  }

  /** To be called when items were removed, of one owner or of all. */
  forget(owner?: Owner): void {
    if (owner === undefined) this.#known.clear()
    else this.#known.delete(owner)
  }

  async #count(
    owner: Owner,
    { with: peer, start, end, afterId: after, beforeId: before, ids }: ArchiveRequest,
  ): Promise<number> {
    const filter = { with: peer?.full, start, end, after, before, ids }
    if (Object.values(filter).some((value) => value !== undefined)) return this.#store.count(owner, filter)
    const known = this.#know(owner)
    known.count ??= await this.#store.count(owner, {})
    return known.count
  }

  async #requireIds(owner: Owner, { afterId, beforeId, ids = [], page }: ArchiveRequest): Promise<void> {
    const { ends } = this.#know(owner)
    // The last page is asked for by an empty `before` (XEP-0059 §2.5).
    const isDoubtful = (id: string | undefined): id is string => id !== undefined && id !== '' && !ends.includes(id)
    const doubtful = new Set([afterId, beforeId, page?.after, page?.before, ...ids].filter(isDoubtful))
    if (doubtful.size === 0) return
    const there = await this.#store.count(owner, { ids: [...doubtful] })
    if (there < doubtful.size) throw new StanzaError('item-not-found', 'There is no message with that id')
  }

  #know(owner: Owner): Known {
    const known = this.#known.get(owner) ?? { count: undefined, ends: [] }
    this.#known.set(owner, known)
    return known
  }
}

/** What is known of an archive until something is removed from it. */
interface Known {
  /** Of all its items. */
  count: number | undefined
  /** The ends of the page that was sent last: with them the next one is asked for. */
  ends: readonly (string | undefined)[]
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

/** Archives about which something is kept in memory. */
const ARCHIVES_KNOWN = 10_000
