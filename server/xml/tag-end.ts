/** Where a tag ends, found without reading it again whenever more of it has come. */
import { APOSTROPHE, GREATER, LESS, QUOTE } from './characters.ts'

export class TagEnd {
  /** The quote that the tag, as far as it is known, ends inside of; 0 for none. */
  #quote = 0

  /** The place where the tag ends, at its `>` or at a `<`, which cannot be in it; -1 if it goes on at `end`. */
  find(bytes: Uint8Array, start: number, end: number): number {
    let quote = this.#quote
    for (let i = start; i < end; i++) {
      const byte = bytes[i]!
      if (byte === LESS || (byte === GREATER && quote === 0)) return i
      if (byte === quote) quote = 0
      else if (quote === 0 && (byte === APOSTROPHE || byte === QUOTE)) quote = byte
    }
    this.#quote = quote
    return -1
  }
}
