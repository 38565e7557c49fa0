/** Something that is done when its turn comes, for somebody who waits for how it ends. */
import { isPending, type Maybe } from '../../server/util/maybe.ts'

type State<T> =
  | { readonly kind: 'open' }
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'failed'; readonly error: unknown }

export class Job<T> {
  readonly #act: () => Maybe<T>
  #state: State<T> = { kind: 'open' }
  #waiting: PromiseWithResolvers<T> | undefined

  constructor(act: () => Maybe<T>) {
    this.#act = act
  }

  /** Does it. Never throws: whoever has asked hears of it. */
  run(): Maybe<void> {
    try {
      const value = this.#act()
      if (!isPending(value)) return this.#done(value)
      return value.then(
        (late) => this.#done(late),
        (error: unknown) => this.#failed(error),
      )
    } catch (error) {
      return this.#failed(error)
    }
  }

  /** How it ended: at once if it has, or when it does. Throws, or rejects, what it threw. */
  outcome(): Maybe<T> {
    if (this.#state.kind === 'done') return this.#state.value
    if (this.#state.kind === 'failed') throw this.#state.error
    this.#waiting ??= Promise.withResolvers<T>()
    return this.#waiting.promise
  }

  #done(value: T): void {
    this.#state = { kind: 'done', value }
    this.#waiting?.resolve(value)
  }

  #failed(error: unknown): void {
    this.#state = { kind: 'failed', error }
    this.#waiting?.reject(error)
  }
}
