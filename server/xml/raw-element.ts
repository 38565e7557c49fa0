/** Elements that are passed on more often than they are read. */
import { Element } from './element.ts'
import { parseElement } from './parse.ts'

/**
 * The element that `text` is: checked XML that declares its namespace, which is
 * `ns`. It is taken apart only when somebody looks into it.
 */
export function rawElement(name: string, ns: string, text: string): Element {
  return new RawElement(name, ns, text)
}

/** The same element, written already: for what is told to many. It declares its namespace. */
export function written(element: Element): Element {
  return rawElement(element.name, element.ns, element.toString())
}

class RawElement extends Element {
  readonly #text: string
  #parsed: Element | undefined

  static {
    // Accessors of the prototype, since the constructor of ltx assigns both. The setters ignore that.
    Object.defineProperties(RawElement.prototype, {
      attrs: {
        get(this: RawElement) {
          return this.#tree.attrs
        },
        set() {},
      },
      children: {
        get(this: RawElement) {
          return this.#tree.children
        },
        set() {},
      },
    })
  }

  constructor(name: string, ns: string, text: string) {
    super(name, ns, {}, [])
    this.#text = text
    this.#parsed = undefined
  }

  get #tree(): Element {
    return (this.#parsed ??= parseElement(this.#text))
  }

  protected override get source(): string {
    return this.#text
  }
}
