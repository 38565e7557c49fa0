/** Lists that some provide to and others read, where both may come and go. */

interface Reader {
  readonly added: (item: never) => (() => void) | void
  readonly undo: Map<unknown, () => void>
}

/** Items by kind. `Map` says what an item of each kind is. */
export class Registry<Map extends object> {
  readonly #items = new globalThis.Map<keyof Map, Set<unknown>>()
  readonly #readers = new globalThis.Map<keyof Map, Set<Reader>>()

  /** The items of a kind, in the order in which they came. */
  items<K extends keyof Map>(kind: K): Iterable<Map[K]> {
    // Only `provide` adds to the set of this kind.
    return (this.#items.get(kind) ?? []) as Iterable<Map[K]>
  }

  provide<K extends keyof Map>(kind: K, item: Map[K]): Disposable {
    const items = this.#items.get(kind) ?? new Set<unknown>()
    this.#items.set(kind, items.add(item))
    for (const reader of this.#readers.get(kind) ?? []) tell(reader, item)
    return {
      [Symbol.dispose]: () => {
        items.delete(item)
        for (const reader of this.#readers.get(kind) ?? []) untell(reader, item)
      },
    }
  }

  /** Runs for each item there is or will be; what it returns runs when the item goes, or the reader. */
  each<K extends keyof Map>(kind: K, added: (item: Map[K]) => (() => void) | void): Disposable {
    const reader: Reader = { added, undo: new globalThis.Map<unknown, () => void>() }
    const readers = this.#readers.get(kind) ?? new Set<Reader>()
    this.#readers.set(kind, readers.add(reader))
    for (const item of this.#items.get(kind) ?? []) tell(reader, item)
    return {
      [Symbol.dispose]: () => {
        readers.delete(reader)
        for (const undo of reader.undo.values()) undo()
      },
    }
  }
}

function tell(reader: Reader, item: unknown): void {
  const undo = reader.added(item as never)
  if (undo !== undefined) reader.undo.set(item, undo)
}

function untell(reader: Reader, item: unknown): void {
  reader.undo.get(item)?.()
  reader.undo.delete(item)
}
