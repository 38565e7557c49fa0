/** Gathers what is written within one turn of the event loop and commits it as one transaction. */
import type { Owner } from '../store.ts'
import { StorageError } from '../storage-error.ts'
import { type Change, charsOf, type StatementChange } from './change.ts'
import { endOfTurn } from './end-of-turn.ts'

/** Commits changes, all or none, and gives the number of rows that each statement among them has changed. */
export type Commit = (changes: readonly Change[]) => Promise<Counts>

export type Counts = ReadonlyMap<StatementChange, number>

/**
 * A thousand messages cost one fsync, and a lone one waits for nobody.
 *
 * A transaction begins at the end of the turn, or when the one before it is
 * done; what comes in the meantime joins. So they are as small as the load
 * allows, and their order is that of the calls.
 */
export class Writer {
  readonly #commit: Commit
  /** Those not yet done, in their order: at most one is with the database. */
  readonly #batches: Batch[] = []
  #waitingChanges = 0
  #waitingChars = 0
  #isClosed = false

  constructor(commit: Commit) {
    this.#commit = commit
  }

  /** Writes these changes of one owner in one transaction. Resolves when they are durable; throws if nothing more may wait. */
  write(owner: Owner, changes: readonly Change[]): Promise<void> {
    const batch = this.#add(owner, changes)
    return (batch.written ??= batch.committed.then(() => {}))
  }

  /** Runs a statement in its place among the other changes; gives the number of rows it has changed. */
  async run(change: StatementChange): Promise<number> {
    const batch = this.#add(change.owner, [change])
    if (change.removesArchives === true) batch.isFull = true
    return (await batch.committed).get(change) ?? 0
  }

  /** Nothing waits to be written. */
  get isIdle(): boolean {
    return this.#batches.length === 0
  }

  /** Resolves when everything written so far for that owner, or for anyone, has been committed or has failed. */
  async settled(owner: Owner | undefined): Promise<void> {
    const last = this.#batches.findLast((batch) => owner === undefined || batch.owners.has(owner))
    if (last !== undefined) await settled(last)
  }

  /** Refuses what comes from now on; resolves when the rest has been committed or has failed. */
  async close(): Promise<void> {
    this.#isClosed = true
    await this.settled(undefined)
  }

  #add(owner: Owner, changes: readonly Change[]): Batch {
    if (this.#isClosed) throw new StorageError('unavailable', 'the storage is closed')
    if (this.#waitingChanges >= WAITING_CHANGES || this.#waitingChars >= WAITING_CHARS) {
      throw new StorageError('overloaded', 'too much is waiting to be stored')
    }
    const batch = this.#open()
    batch.owners.add(owner)
    for (const change of changes) {
      batch.changes.push(change)
      batch.chars += charsOf(change)
      this.#waitingChars += charsOf(change)
    }
    this.#waitingChanges += changes.length
    if (batch.changes.length >= BATCH_CHANGES) batch.isFull = true
    return batch
  }

  #open(): Batch {
    const last = this.#batches.at(-1)
    if (last !== undefined && !last.isFull) return last
    const batch = new Batch((begun) => this.#run(begun, last))
    this.#batches.push(batch)
    return batch
  }

  async #run(batch: Batch, before: Batch | undefined): Promise<Counts> {
    await endOfTurn()
    if (before !== undefined) await settled(before)
    batch.isFull = true
    try {
      return await this.#commit(batch.changes)
    } finally {
      this.#batches.shift()
      this.#waitingChanges -= batch.changes.length
      this.#waitingChars -= batch.chars
    }
  }
}

/** What will be one transaction. */
class Batch {
  readonly changes: Change[] = []
  readonly owners = new Set<Owner>()
  chars = 0
  /** Takes no more: full, begun, or ended by its last change. */
  isFull = false
  readonly committed: Promise<Counts>
  /** The same without the counts, for the many who ask for nothing else. */
  written: Promise<void> | undefined

  constructor(run: (batch: Batch) => Promise<Counts>) {
    this.committed = run(this)
  }
}

/** Whether it has failed concerns those whose changes it was. */
function settled({ committed }: Batch): Promise<void> {
  return committed.then(
    () => {},
    () => {},
  )
}

/** A transaction takes no more after this many changes, though the turn may not be over: more would not be faster. */
const BATCH_CHANGES = 2000

/** How much may wait, in a server whose database has stopped answering. */
const WAITING_CHANGES = 100_000
const WAITING_CHARS = 128 * 1024 * 1024
