/** What a module has begun, and what must be undone when it goes. */
import type { Log } from '../log/log.ts'
import type { Clock } from '../util/clock.ts'
import { isPending, type Maybe } from '../util/maybe.ts'

const MILLISECONDS = { minute: 60_000, hour: 3_600_000, day: 86_400_000 } as const
export type Interval = keyof typeof MILLISECONDS

/**
 * The life of one module on one host. Whatever is tied to it ends with it, in
 * reverse order, also if the end of something fails, which is logged; work in
 * the background is aborted and waited for.
 */
export class Life implements AsyncDisposable {
  readonly #stack = new AsyncDisposableStack()
  readonly #aborter = new AbortController()
  readonly #log: Log
  readonly #clock: Clock
  readonly #running = new Set<Promise<void>>()
  readonly #timers = new Set<Disposable>()

  constructor(log: Log, clock: Clock) {
    this.#log = log
    this.#clock = clock
    this.#stack.defer(async () => {
      await Promise.all(this.#running)
    })
  }

  get signal(): AbortSignal {
    return this.#aborter.signal
  }

  use<R extends Disposable | AsyncDisposable>(resource: R): R {
    return this.#stack.use(resource)
  }

  defer(cleanup: () => Maybe<void>): void {
    this.#stack.defer(async () => cleanup())
  }

  /** Runs in the background; an error is logged, the end of the life aborts it and waits. */
  spawn(name: string, run: (signal: AbortSignal) => Maybe<void>): void {
    const report = (error: unknown): void => this.#log.error('task failed', { task: name, error })
    try {
      const done = run(this.signal)
      if (!isPending(done)) return
      const settled: Promise<void> = done.catch(report).finally(() => this.#running.delete(settled))
      this.#running.add(settled)
    } catch (error) {
      report(error)
    }
  }

  every(interval: Interval, name: string, run: (signal: AbortSignal) => Maybe<void>): void {
    this.use(this.#clock.every(MILLISECONDS[interval], () => this.spawn(name, run)))
  }

  after(seconds: number, name: string, run: () => Maybe<void>): Disposable {
    const timer = this.#clock.after(seconds * 1000, () => {
      this.#timers.delete(timer)
      this.spawn(name, run)
    })
    this.#timers.add(timer)
    return {
      [Symbol.dispose]: () => {
        this.#timers.delete(timer)
        timer[Symbol.dispose]()
      },
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#aborter.abort()
    for (const timer of this.#timers) timer[Symbol.dispose]()
    try {
      await this.#stack.disposeAsync()
    } catch (failure) {
      for (const error of errorsIn(failure)) this.#log.error('cleanup failed', { error })
    }
  }
}

/** What went wrong, of several things the last first: a stack that is disposed nests them. */
function errorsIn(failure: unknown): readonly unknown[] {
  return failure instanceof SuppressedError ? [failure.error, ...errorsIn(failure.suppressed)] : [failure]
}
