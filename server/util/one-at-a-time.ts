/** Jobs that must not overlap with others of the same name. */

export class OneAtATime {
  readonly #last = new Map<string, Promise<unknown>>()

  /** Runs a job once those of that name that came before have ended, well or not. */
  async run<T>(name: string, job: () => Promise<T>): Promise<T> {
    const before = this.#last.get(name) ?? Promise.resolve()
    const done = before.then(job)
    const settled = done.catch(() => {})
    this.#last.set(name, settled)
    try {
      return await done
    } finally {
      if (this.#last.get(name) === settled) this.#last.delete(name)
    }
  }
}
