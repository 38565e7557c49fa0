/** HOT. Where a tag ends, found without reading it again for each chunk. */
import { APOSTROPHE, GREATER, LESS, QUOTE } from './characters.ts'

export class TagEnd {
  /** The quote that the tag, as far as it is known, ends inside of; 0 for none. */
  #quote = 0

  /** The place in a chunk where the tag ends: at its `>`, or at a `<`, which cannot be in it. -1 if it goes on. */
  find(chunk: string, start: number): number {
    let quote = this.#quote
    for (let i = start; i < chunk.length; i++) {
      const code = chunk.charCodeAt(i)
      if (code === LESS || (code === GREATER && quote === 0)) return i
      if (code === quote) quote = 0
      else if (quote === 0 && (code === APOSTROPHE || code === QUOTE)) quote = code
    }
    this.#quote = quote
    return -1
  }
}
