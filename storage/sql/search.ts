/** Finds items by what they say: those that are indexed by their words, and those that came later by reading them. */
import type { ReadFilter } from '../archive-filter.ts'
import { idNumber } from '../archive-id.ts'
import type { ArchiveItem, TextOf } from '../store.ts'
import { hasTerms, wordsOf } from '../words.ts'
import type { Base } from './archive.ts'
import type { ArchiveEntry } from './numbers.ts'
import { countedRows, countRows, foundRows, matchingRows, type Order, readItems } from './rows.ts'
import { sql } from './sql.ts'

/** A filter with terms, for what is indexed and for what is not. */
interface Halves {
  readonly indexed: ReadFilter
  readonly later: ReadFilter
}

/** What was found in a part of an archive, and where it is still to be looked for. */
interface Page {
  readonly found: readonly ArchiveItem[]
  readonly rest: ReadFilter | undefined
}

export class Search {
  readonly #base: Base
  readonly #textOf: TextOf

  constructor(base: Base, textOf: TextOf) {
    this.#base = base
    this.#textOf = textOf
  }

  async find(archive: ArchiveEntry, filter: ReadFilter, order: Order, limit: number): Promise<readonly ArchiveItem[]> {
    const { indexed, later } = this.#halves(filter)
    if (order === 'newest first') {
      const newest = await this.#read(archive, later, order, limit)
      return [...newest, ...(await this.#lookUp(archive, indexed, order, limit - newest.length))]
    }
    const oldest = await this.#lookUp(archive, indexed, order, limit)
    return [...oldest, ...(await this.#read(archive, later, order, limit - oldest.length))]
  }

  async count(archive: ArchiveEntry, filter: ReadFilter): Promise<number> {
    const { database } = this.#base
    const { indexed, later } = this.#halves(filter)
    const inIndex = await countRows(database, countedRows(database.dialect, archive, indexed))
    return inIndex + (await this.#read(archive, later, 'oldest first', Infinity)).length
  }

  /** The index may grow before we have looked: what has been read until now says where it ends. */
  #halves(filter: ReadFilter): Halves {
    const { last } = this.#base.index
    return {
      indexed: { ...filter, before: Math.min(filter.before, last + 1) },
      later: { ...filter, after: Math.max(filter.after, last) },
    }
  }

  /**
   * What many messages say is found in the first that are read: then the index would only give thousands to choose from,
   * each of which PostgreSQL has to look at.
   */
  async #lookUp(
    archive: ArchiveEntry,
    filter: ReadFilter,
    order: Order,
    limit: number,
  ): Promise<readonly ArchiveItem[]> {
    if (limit === 0 || filter.before <= filter.after) return []
    const { found, rest } = await this.#readPage(archive, filter, order)
    if (found.length >= limit || rest === undefined) return found.slice(0, limit)
    const { database } = this.#base
    const by = database.dialect.words.foundId
    const further = await readItems(database, foundRows(database.dialect, archive, rest), {
      order,
      limit: limit - found.length,
      by,
    })
    return [...found, ...further]
  }

  /** A page at a time, so that a long archive that is not indexed yet holds up nothing else. */
  async #read(archive: ArchiveEntry, filter: ReadFilter, order: Order, limit: number): Promise<readonly ArchiveItem[]> {
    const all: ArchiveItem[] = []
    let left: ReadFilter | undefined = filter
    while (all.length < limit && left !== undefined) {
      const { found, rest }: Page = await this.#readPage(archive, left, order)
      all.push(...found.slice(0, limit - all.length))
      left = rest
    }
    return all
  }

  async #readPage(archive: ArchiveEntry, filter: ReadFilter, order: Order): Promise<Page> {
    const { database } = this.#base
    const rows = matchingRows(database.dialect, sql`= ${archive.number}`, archive.skew, filter)
    const page = await readItems(database, rows, { order, limit: PAGE_ITEMS })
    const found = page.filter((item) => this.#says(item, filter))
    const last = page.length < PAGE_ITEMS ? undefined : idNumber(page.at(-1)?.id ?? '')
    if (last === undefined) return { found, rest: undefined }
    return { found, rest: order === 'newest first' ? { ...filter, before: last } : { ...filter, after: last } }
  }

  #says({ stanza }: ArchiveItem, { terms = [] }: ReadFilter): boolean {
    return hasTerms(wordsOf(this.#textOf(stanza)), terms)
  }
}

const PAGE_ITEMS = 200
