/** What modules keep with a session or an account, without the kernel knowing what it is. */

/** Something that carries values of modules. They go when it goes. */
export interface SlotBearer {
  readonly slots: unknown[]
}

/**
 * Gives out places in the `slots` of bearers. A place belongs to a name for
 * good, so a module that is reloaded finds what it had left there.
 */
export class SlotRegistry {
  readonly #places = new Map<string, number>()

  /** The value under `name` with its bearer, made by `initial` when first asked for. */
  slot<B extends SlotBearer, T>(name: string, initial: (bearer: B) => T): (bearer: B) => T {
    const place = this.#places.get(name) ?? this.#places.size
    this.#places.set(name, place)
    return (bearer) => {
      const kept = bearer.slots[place]
      // Only `initial` writes to this place, under this name.
      if (kept !== undefined) return kept as T
      const made = initial(bearer)
      bearer.slots[place] = made
      return made
    }
  }
}
