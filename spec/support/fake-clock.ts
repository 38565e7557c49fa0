/** Time that passes when a spec says so. */
import type { Clock } from '../../server/util/clock.ts'

interface Timer {
  at: number
  readonly every: number | undefined
  readonly run: () => void
}

export class FakeClock implements Clock {
  #now: number
  readonly #timers = new Set<Timer>()

  constructor(now = 1_000_000) {
    this.#now = now
  }

  now(): number {
    return this.#now
  }

  after(milliseconds: number, run: () => void): Disposable {
    return this.#add({ at: this.#now + milliseconds, every: undefined, run })
  }

  every(milliseconds: number, run: () => void): Disposable {
    return this.#add({ at: this.#now + milliseconds, every: milliseconds, run })
  }

  /** Timers that have not run and were not disposed. */
  get pending(): number {
    return this.#timers.size
  }

  /** Lets time pass, and runs what is due in its order. */
  advance(milliseconds: number): void {
    const end = this.#now + milliseconds
    for (;;) {
      const [next] = [...this.#timers].filter(({ at }) => at <= end).toSorted((a, b) => a.at - b.at)
      if (next === undefined) break
      this.#now = Math.max(this.#now, next.at)
      if (next.every === undefined) this.#timers.delete(next)
      else next.at += next.every
      next.run()
    }
    this.#now = end
  }

  /** The same for a machine that was asleep: what is due runs once, however often it should have. */
  leap(milliseconds: number): void {
    this.#now += milliseconds
    for (const timer of [...this.#timers].filter(({ at }) => at <= this.#now)) {
      if (timer.every === undefined) this.#timers.delete(timer)
      else timer.at = this.#now + timer.every
      timer.run()
    }
  }

  #add(timer: Timer): Disposable {
    this.#timers.add(timer)
    return { [Symbol.dispose]: () => void this.#timers.delete(timer) }
  }
}
