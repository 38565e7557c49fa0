/** Something that gathers work during a turn of the event loop and does it once at its end. */
export interface Flushable {
  flush(): void
}

/** Flushing that many costs more than a look at whether there will be more to flush. */
const MANY = 64
const MOST_LOOKS = 2

/**
 * The end of the current turn of the event loop: after everything that was
 * readable has been handled, before the loop waits again. What is written to a
 * socket in one turn leaves in one system call because its transport asks to
 * be flushed here; one immediate serves all of them.
 *
 * A message to a big room is written to all of its sockets, and a system call
 * costs more than all that we do for a message: while so many wait, what has
 * arrived meanwhile is handled first, since it is likely to be for the same.
 */
export class Turn {
  #waiting: Flushable[] = []
  #looks = 0

  /** Calls `flush` once at the end of the turn. The caller asks once per turn, not once per write. */
  atEnd(flushable: Flushable): void {
    if (this.#waiting.push(flushable) === 1) setImmediate(() => this.#end())
  }

  #end(): void {
    if (this.#waiting.length >= MANY && this.#looks < MOST_LOOKS) {
      this.#looks++
      setImmediate(() => this.#end())
      return
    }
    const waiting = this.#waiting
    this.#waiting = []
    this.#looks = 0
    for (const flushable of waiting) flushable.flush()
  }
}
