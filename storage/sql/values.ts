/** The texts of one store of a host, in SQL. */
import type { ValueEntry, ValueTable } from '../driver.ts'
import { checkKey, checkOwner, checkText } from '../limits.ts'
import type { Owner } from '../store.ts'
import type { ValueChange } from './change.ts'
import type { Database } from './database.ts'
import { sql } from './sql.ts'
import type { Writer } from './writer.ts'

export class SqlValues implements ValueTable {
  readonly #database: Database
  readonly #writer: Writer
  readonly #store: number

  constructor(database: Database, writer: Writer, store: number) {
    this.#database = database
    this.#writer = writer
    this.#store = store
  }

  async get(owner: Owner, key: string): Promise<string | undefined> {
    await this.#writer.settled(owner)
    const [row] = await this.#database.lookUp<{ value: string }>(sql`
      SELECT value FROM keyval WHERE store = ${this.#store} AND owner = ${owner} AND key = ${key}`)
    return row?.value
  }

  async all(owner: Owner): Promise<ReadonlyMap<string, string>> {
    await this.#writer.settled(owner)
    const rows = await this.#database.lookUp<{ key: string; value: string }>(sql`
      SELECT key, value FROM keyval WHERE store = ${this.#store} AND owner = ${owner}`)
    return new Map(rows.map(({ key, value }) => [key, value]))
  }

  async put(owner: Owner, entries: readonly ValueEntry[]): Promise<void> {
    checkOwner(owner)
    const changes = entries.map(([key, text]): ValueChange => {
      checkKey(key)
      checkText(text ?? '')
      return { kind: 'value', store: this.#store, owner, key, text }
    })
    return this.#writer.write(owner, changes)
  }

  async clear(owner: Owner): Promise<void> {
    const statement = sql`DELETE FROM keyval WHERE store = ${this.#store} AND owner = ${owner}`
    await this.#writer.run({ kind: 'statement', owner, statement })
  }

  async *owners(): AsyncGenerator<Owner> {
    await this.#writer.settled(undefined)
    let rest = sql``
    while (true) {
      const rows = await this.#database.query<{ owner: Owner }>(sql`
        SELECT DISTINCT owner FROM keyval WHERE store = ${this.#store} ${rest} ORDER BY owner LIMIT ${PAGE_OWNERS}`)
      const last = rows.at(-1)
      if (last === undefined) return
      for (const { owner } of rows) yield owner
      rest = sql`AND owner > ${last.owner}`
    }
  }
}

const PAGE_OWNERS = 500
