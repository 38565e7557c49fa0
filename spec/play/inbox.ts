/** What a client has received and nobody has looked at yet, oldest first. */
import type { XmlNode } from './xml-node.ts'

export class Inbox {
  #elements: XmlNode[] = []
  #isClosed = false
  #wake: (() => void) | undefined

  put(element: XmlNode): void {
    this.#elements.push(element)
    this.#wake?.()
  }

  /** Nothing more will come. */
  close(): void {
    this.#isClosed = true
    this.#wake?.()
  }

  /** The next element, which is then gone. Nothing if none comes until `deadline` (of `performance.now()`), or ever. */
  async next(deadline: number): Promise<XmlNode | undefined> {
    for (;;) {
      const element = this.#elements.shift()
      const remaining = deadline - performance.now()
      if (element !== undefined || this.#isClosed || remaining <= 0) return element
      await this.#something(remaining)
    }
  }

  /** Everything that is there, which is then gone. */
  takeAll(): readonly XmlNode[] {
    const all = this.#elements
    this.#elements = []
    return all
  }

  #something(milliseconds: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const timer = setTimeout(resolve, Math.ceil(milliseconds))
    this.#wake = () => {
      clearTimeout(timer)
      resolve()
    }
    return promise
  }
}
