/** The texts of bulk statements in a dialect, each made once. */
import type { Bulk } from './database.ts'
import type { Dialect } from './dialect.ts'

export class BulkTexts {
  readonly #dialect: Dialect
  readonly #texts = new Map<Bulk, string>()

  constructor(dialect: Dialect) {
    this.#dialect = dialect
  }

  of(bulk: Bulk): string {
    const known = this.#texts.get(bulk)
    if (known !== undefined) return known
    const text = bulk.text(this.#dialect.rows(bulk.types))
    this.#texts.set(bulk, text)
    return text
  }
}
