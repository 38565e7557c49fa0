/** The time, given to whoever needs it, so that tests bring their own. */
export interface Clock {
  /** Milliseconds since 1970, as `Date.now()`. May step back when the machine's clock is set. */
  now(): number
  /** Runs once, after that many milliseconds, unless disposed before. Does not keep the process alive. */
  after(milliseconds: number, run: () => void): Disposable
  /** Runs again and again, until disposed. Does not keep the process alive. */
  every(milliseconds: number, run: () => void): Disposable
}

export const systemClock: Clock = {
  now: Date.now,
  after: (milliseconds, run) => {
    const timer = setTimeout(run, Math.min(milliseconds, LONGEST_TIMER))
    timer.unref()
    return { [Symbol.dispose]: () => clearTimeout(timer) }
  },
  every: (milliseconds, run) => {
    const timer = setInterval(run, Math.min(milliseconds, LONGEST_TIMER))
    timer.unref()
    return { [Symbol.dispose]: () => clearInterval(timer) }
  },
}

/** Node turns longer timers into 1 ms. */
const LONGEST_TIMER = 0x7fff_ffff
