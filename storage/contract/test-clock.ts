/** A clock that is set by hand. */
export class TestClock {
  #now: number

  constructor(now: number) {
    this.#now = now
  }

  now(): number {
    return this.#now
  }

  /** Steps by that many milliseconds, back if they are negative. */
  step(milliseconds: number): void {
    this.#now += milliseconds
  }
}
