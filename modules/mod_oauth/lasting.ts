/** What is fetched from elsewhere and holds for a while. */
import type { Clock } from '../../server/util/clock.ts'

/** So long it is not asked for again, whether there was an answer or not. */
const PAUSE_MILLISECONDS = 30_000

export class Lasting<T> {
  readonly #load: () => Promise<T>
  readonly #clock: Clock
  readonly #milliseconds: number
  #value: { readonly is: T } | undefined
  #loading: Promise<T> | undefined
  #triedAt: number | undefined
  #failure: unknown

  constructor(load: () => Promise<T>, clock: Clock, milliseconds: number) {
    this.#load = load
    this.#clock = clock
    this.#milliseconds = milliseconds
  }

  /** As it was when it was last fetched; an old one if there is no new one to be had. */
  get(): Promise<T> {
    return this.#get(this.#milliseconds)
  }

  /** Fetched anew, unless that has just been tried. */
  renewed(): Promise<T> {
    return this.#get(PAUSE_MILLISECONDS)
  }

  async #get(youngerThan: number): Promise<T> {
    if (this.#loading !== undefined) return this.#loading
    const age = this.#triedAt === undefined ? Infinity : this.#clock.now() - this.#triedAt
    const mayAsk = age >= PAUSE_MILLISECONDS || age < 0
    if (this.#value !== undefined && (age < youngerThan || !mayAsk)) return this.#value.is
    if (!mayAsk) throw this.#failure
    this.#loading = this.#fetch()
    return this.#loading
  }

  async #fetch(): Promise<T> {
    this.#triedAt = this.#clock.now()
    try {
      const is = await this.#load()
      this.#value = { is }
      return is
    } catch (error) {
      this.#failure = error
      if (this.#value !== undefined) return this.#value.is
      throw error
    } finally {
      this.#loading = undefined
    }
  }
}
