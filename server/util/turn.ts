/** HOT. Something that gathers work during a turn of the event loop and does it once at its end. */
export interface Flushable {
  flush(): void
}

/** Flushing that many costs more than a look at whether there will be more to flush. */
const MANY = 64
const MOST_LOOKS = 2
/** After so long the loop gets a turn, and the rest waits for the next one. */
const SLICE_MILLISECONDS = 3
const FLUSHES_BETWEEN_LOOKS = 32

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
  /** Those before have been flushed. */
  #next = 0
  #looks = 0

  /** Calls `flush` once at the end of the turn. The caller asks once per turn, not once per write. */
  atEnd(flushable: Flushable): void {
    if (this.#waiting.push(flushable) === 1) this.#continueLater()
  }

  #end(): void {
    if (this.#waiting.length >= MANY && this.#looks < MOST_LOOKS) {
      this.#looks++
      this.#continueLater()
      return
    }
    this.#flushSlice()
    if (this.#next < this.#waiting.length) {
      this.#continueLater()
      return
    }
    this.#waiting = []
    this.#next = 0
    this.#looks = 0
  }

  /** What asks while this goes on waits for the next slice. */
  #flushSlice(): void {
    const { length } = this.#waiting
    const end = performance.now() + SLICE_MILLISECONDS
    while (this.#next < length) {
      this.#waiting[this.#next++]!.flush()
      if (this.#next % FLUSHES_BETWEEN_LOOKS === 0 && performance.now() > end) return
    }
  }

  #continueLater(): void {
    setImmediate(() => this.#end())
  }
}
