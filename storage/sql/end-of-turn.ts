/** Resolves when everything that was ready in this turn of the event loop has been handled. */
export function endOfTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
