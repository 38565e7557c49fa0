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

  async #lookUp(
    archive: ArchiveEntry,
    filter: ReadFilter,
    order: Order,
    limit: number,
  ): Promise<readonly ArchiveItem[]> {
    if (limit === 0 || filter.before <= filter.after) return []
    const { database } = this.#base
    const by = database.dialect.words.foundId
    return readItems(database, foundRows(database.dialect, archive, filter), { order, limit, by })
  }

  /** A page at a time, so that a long archive that is not indexed yet holds up nothing else. */
  async #read(archive: ArchiveEntry, filter: ReadFilter, order: Order, limit: number): Promise<readonly ArchiveItem[]> {
    const { database } = this.#base
    const found: ArchiveItem[] = []
    let { after, before } = filter
    while (found.length < limit) {
      const rows = matchingRows(database.dialect, sql`= ${archive.number}`, archive.skew, { ...filter, after, before })
      const page = await readItems(database, rows, { order, limit: PAGE_ITEMS })
      for (const item of page) if (found.length < limit && this.#says(item, filter)) found.push(item)
      const last = page.at(-1)
      if (last === undefined || page.length < PAGE_ITEMS) break
      const id = idNumber(last.id) ?? after
      if (order === 'newest first') before = id
      else after = id
    }
    return found
  }

  #says({ stanza }: ArchiveItem, { terms = [] }: ReadFilter): boolean {
    return hasTerms(wordsOf(this.#textOf(stanza)), terms)
  }
}

const PAGE_ITEMS = 250
