/** HOT. Something for each of many people, without holding up the loop for long. */
import { isPending, type Maybe } from './maybe.ts'

/** After so long others get their turn. */
const SLICE_MILLISECONDS = 3
/** Looking at the clock for each item would cost more than many an item. */
const ITEMS_BETWEEN_LOOKS = 32

/**
 * Runs for each item: at once if that takes only a moment, else a slice in each
 * turn of the event loop. Whoever calls must bear with items that change
 * meanwhile, or keep them from it, as a room does while something waits in its turn.
 */
export function inSlices<T>(items: Iterable<T>, run: (item: T) => void): Maybe<void> {
  const iterator = items[Symbol.iterator]()
  return runSlice(iterator, run) ? undefined : runRest(iterator, run)
}

/** Runs after something that may still be under way. */
export function after(before: Maybe<void>, run: () => Maybe<void>): Maybe<void> {
  return isPending(before) ? before.then(run) : run()
}

async function runRest<T>(iterator: Iterator<T>, run: (item: T) => void): Promise<void> {
  do await new Promise((resolve) => setImmediate(resolve))
  while (!runSlice(iterator, run))
}

/** True if nothing is left. */
function runSlice<T>(iterator: Iterator<T>, run: (item: T) => void): boolean {
  const end = performance.now() + SLICE_MILLISECONDS
  do {
    for (let count = 0; count < ITEMS_BETWEEN_LOOKS; count++) {
      const next = iterator.next()
      if (next.done === true) return true
      run(next.value)
    }
  } while (performance.now() < end)
  return false
}
