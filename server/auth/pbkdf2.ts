/** PBKDF2 (RFC 8018 §5.2) without starving the rest of the process: few at a time, and a queue that ends. */
import { pbkdf2 } from 'node:crypto'
import { promisify } from 'node:util'
import { hashFunctions, type HashName } from './digest.ts'

/** Turns passwords into keys, slowly by intent. */
export interface KeyDerivation {
  /** As many bytes as the hash has. Rejects with `HashingBusy` at once when too many wait already. */
  derive(password: string, salt: Buffer, iterations: number, hash: HashName): Promise<Buffer>
}

export interface KeyDerivationLimits {
  /** At the same time. They run in the thread pool that files and names are looked up with: leave it some threads. */
  readonly jobs: number
  /** How many may wait for their turn. Each takes about a millisecond. */
  readonly waiting: number
}

export class KeyDerivationQueue implements KeyDerivation {
  readonly #limits: KeyDerivationLimits
  readonly #waiting: (() => void)[] = []
  #running = 0

  constructor(limits: Partial<KeyDerivationLimits> = {}) {
    this.#limits = { jobs: 2, waiting: 256, ...limits }
  }

  async derive(password: string, salt: Buffer, iterations: number, hash: HashName): Promise<Buffer> {
    await this.#enter()
    try {
      const { openssl, bytes } = hashFunctions[hash]
      return await run(password, salt, iterations, bytes, openssl)
    } finally {
      this.#leave()
    }
  }

  #enter(): Promise<void> | undefined {
    if (this.#running < this.#limits.jobs) {
      this.#running++
      return undefined
    }
    if (this.#waiting.length >= this.#limits.waiting) throw new HashingBusy()
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  #leave(): void {
    const next = this.#waiting.shift()
    // The place is handed on, so that nobody who comes just now can take it first.
    if (next === undefined) this.#running--
    else next()
  }
}

/** Too many passwords are being hashed: try again later. Says nothing of the password. */
export class HashingBusy extends Error {
  override readonly name = 'HashingBusy'

  constructor() {
    super('too many passwords wait to be hashed')
  }
}

const run = promisify(pbkdf2)
