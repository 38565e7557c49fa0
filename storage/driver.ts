/** What a database must be able to do for the stores: keep texts and archives. `contract.ts` is its test. */
import type { ArchiveStore, Owner, TextOf } from './store.ts'

export interface Driver {
  /** The texts of a store; it is created when first opened. */
  values(host: string, store: string): Promise<ValueTable>
  /** With `textOf` it can be searched. */
  archive(host: string, store: string, textOf?: TextOf): Promise<ArchiveStore>
  /** Resolves when what was archived before this call needs not be read to be found by its words. */
  indexed(): Promise<void>
  /**
   * Deletes all that the owner has in any store of the host, opened or not, and was written before this call. Who reads
   * after it finds no texts, though it may not have resolved; archives go in portions.
   */
  purge(host: string, owner: Owner): Promise<void>
  /** Writes what waits to be written, then lets go of the database. */
  close(): Promise<void>
}

/** A text under each owner and key. Reads see what was written before them, whether it is durable yet or not. */
export interface ValueTable {
  get(owner: Owner, key: string): Promise<string | undefined>
  all(owner: Owner): Promise<ReadonlyMap<string, string>>
  /** Replaces these texts, all or none; undefined removes. Resolves when that is durable. */
  put(owner: Owner, entries: readonly ValueEntry[]): Promise<void>
  clear(owner: Owner): Promise<void>
  owners(): AsyncIterable<Owner>
}

export type ValueEntry = readonly [key: string, text: string | undefined]
