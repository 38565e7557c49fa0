/** Work for many that must not come all at once. */
import type { Clock } from './clock.ts'
import { isPending, type Maybe } from './maybe.ts'

export interface Pace {
  readonly clock: Clock
  /** How many are done without a pause. */
  readonly count: number
  readonly pauseMilliseconds: number
  /** Ends it early. */
  readonly signal?: AbortSignal
}

/** Does something for each, one after another, some at a time. Gives for how many it was done. */
export async function paced<T>(
  items: Iterable<T> | AsyncIterable<T>,
  run: (item: T) => Maybe<unknown>,
  { clock, count, pauseMilliseconds, signal }: Pace,
): Promise<number> {
  let done = 0
  for await (const item of items) {
    if (signal?.aborted === true) break
    const running = run(item)
    if (isPending(running)) await running
    if (++done % count === 0) await new Promise<void>((resolve) => void clock.after(pauseMilliseconds, resolve))
  }
  return done
}
