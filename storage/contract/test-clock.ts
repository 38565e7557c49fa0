/** A clock that is set by hand. What is to be done later is never done. */
export class TestClock {
  #now: number

  constructor(now: number) {
    this.#now = now
  }

  now(): number {
    return this.#now
  }

  after(): Disposable {
    return { [Symbol.dispose]: () => {} }
  }

  /** Steps by that many milliseconds, back if they are negative. */
  step(milliseconds: number): void {
    this.#now += milliseconds
  }
}
