/** XEP-0313 §4.1, §4.3: reads archives, a page at a time. */
import { LRUCache } from 'lru-cache'
import { StanzaError } from '../stanza-error.ts'
import type { ArchiveItem, ArchiveSearch, ArchiveStore, Owner } from '../../storage/store.ts'
import type { ArchiveRequest } from './archive-query.ts'

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

  /** The first and the last item of the whole; undefined if there is none. */
  async ends(owner: Owner): Promise<readonly [first: ArchiveItem, last: ArchiveItem] | undefined> {
    const [[first], [last]] = await Promise.all([
      this.#store.find(owner, { limit: 1 }),
      this.#store.find(owner, { limit: 1, newestFirst: true }),
    ])
    return first === undefined || last === undefined ? undefined : [first, last]
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
    { with: peer, start, end, afterId: after, beforeId: before, ids, text }: ArchiveRequest,
  ): Promise<number> {
    const filter = { with: peer?.full, start, end, after, before, ids, text }
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

/** Bounds of the form and of the page hold both; ids sort as the items do. */
function filterOf({ with: peer, start, end, afterId, beforeId, ids, text, page }: ArchiveRequest): ArchiveSearch {
  const after = afterId !== undefined && afterId > (page?.after ?? '') ? afterId : page?.after
  const pageBefore = page?.before === '' ? undefined : page?.before
  const before = beforeId !== undefined && (pageBefore === undefined || beforeId < pageBefore) ? beforeId : pageBefore
  return { with: peer?.full, start, end, after, before, ids, text }
}

/** Archives about which something is kept in memory. */
const ARCHIVES_KNOWN = 10_000
