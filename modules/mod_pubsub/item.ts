/** XEP-0060: an item of a node, as it is kept and as it is shown. */
import { type Element, xml } from '../../server/xml/element.ts'
import { rawElement } from '../../server/xml/raw-element.ts'

/** What was published, as text: it is passed on far more often than it is read. */
export interface Payload {
  readonly name: string
  readonly ns: string
  /** Declares its namespace. */
  readonly xml: string
}

/** Kept under the node and the id of the item. */
export interface StoredItem {
  /** Grows with each publication, also of an id that was there before: the order of items (XEP-0060 §12.1). */
  readonly seq: number
  /** When the id was new, in milliseconds since 1970. */
  readonly createdAt: number
  readonly publishedAt: number
  /** A bare JID. */
  readonly publisher: string
  readonly payload?: Payload | undefined
}

export interface Item extends StoredItem {
  readonly id: string
}

export function payloadOf(element: Element): Payload {
  return { name: element.name, ns: element.ns, xml: element.toString() }
}

export function payloadElement({ name, ns, xml: text }: Payload): Element {
  return rawElement(name, ns, text)
}

/** How much of the quota an item takes. */
export function charsOf({ id, payload }: Pick<Item, 'id' | 'payload'>): number {
  return id.length + (payload?.xml.length ?? 0)
}

export function sumOfChars(items: readonly Item[]): number {
  return items.reduce((chars, item) => chars + charsOf(item), 0)
}

/** The `<item/>`, in the namespace of whatever it is put into; `publisher` only where it shall be named. */
export function itemElement({ id, payload }: Item, publisher?: string): Element {
  return xml('item', { id, publisher }, payload && payloadElement(payload))
}

export function isExpired({ publishedAt }: Item, seconds: number | 'max', now: number): boolean {
  return seconds !== 'max' && publishedAt + seconds * 1000 <= now
}
