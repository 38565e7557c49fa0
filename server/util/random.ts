import { randomBytes } from 'node:crypto'

/** Unpredictable bytes and names, given to whoever needs them, so that a test can seed its own. */
export interface Random {
  bytes(length: number): Buffer
  /** A name nobody can guess: 16 characters of base64url, 96 bits. Safe in XML and in JIDs. */
  id(): string
}

/** The machine's own. Asking it costs the same for many bytes as for few, so they are fetched in stock. */
export class SystemRandom implements Random {
  #pool = Buffer.alloc(0)
  #next = 0

  bytes(length: number): Buffer {
    if (length > MOST_POOLED) return randomBytes(length)
    if (this.#next + length > this.#pool.length) {
      // A new one: what was handed out stays the taker's.
      this.#pool = randomBytes(POOL_BYTES)
      this.#next = 0
    }
    const taken = this.#pool.subarray(this.#next, this.#next + length)
    this.#next += length
    return taken
  }

  id(): string {
    return this.bytes(12).toString('base64url')
  }
}

const POOL_BYTES = 4096
const MOST_POOLED = 64
