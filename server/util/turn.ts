/** Something that gathers work during a turn of the event loop and does it once at its end. */
export interface Flushable {
  flush(): void
}

/**
 * The end of the current turn of the event loop: after everything that was
 * readable has been handled, before the loop waits again. What is written to a
 * socket in one turn leaves in one system call because its transport asks to
 * be flushed here; one immediate serves all of them.
 */
export class Turn {
  #waiting: Flushable[] = []

  /** Calls `flush` once at the end of the turn. The caller asks once per turn, not once per write. */
  atEnd(flushable: Flushable): void {
    if (this.#waiting.push(flushable) === 1) setImmediate(() => this.#end())
  }

  #end(): void {
    const waiting = this.#waiting
    this.#waiting = []
    for (const flushable of waiting) flushable.flush()
  }
}
