/** XEP-0060 §6.5, XEP-0413: the items of a node, all or some, in one order or another. */
import {
  type Page,
  type PageRequest,
  pageOf,
  pageSize,
  readPageRequest,
  renderPage,
} from '../../server/protocol/rsm.ts'
import { parseBoolean, parseInteger } from '../../server/protocol/xsd.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import { type Element, xml } from '../../server/xml/element.ts'
import { publisherShown } from './events.ts'
import { charsOf, type Item, itemElement } from './item.ts'
import type { Node } from './node.ts'
import { pubsubElement, type Request } from './request.ts'
import type { Service } from './service.ts'

export const NS_ORDER = 'urn:xmpp:order-by:1'

/** Characters of items in one answer, if it has more than one. */
const MOST_CHARS = 1024 * 1024

/** The answer to a request for items by somebody who may have them. Throws StanzaError. */
export function itemsAnswer(request: Request, node: Node, items: readonly Item[]): Element {
  const { service, pubsub, action } = request
  const ids = new Set(action.elements.filter(({ name }) => name === 'item').map(({ attrs }) => attrs['id']))
  if (ids.size > 0) return pubsubElement(itemsElement(service, node, named(items, ids)))
  const ordered = order(items, pubsub.child('order', NS_ORDER))
  const page = readPageRequest(pubsub)
  if (page !== undefined) {
    const cut = fittingPage(ordered, page, service.rules.limits.items)
    return pubsubElement(itemsElement(service, node, cut.items), renderPage(cut))
  }
  const wanted = newest(ordered, maxItems(action))
  const sent = wanted.slice(wanted.length - fitting(wanted.toReversed()))
  // Who gets only the end of it is told so (§6.5.4).
  const note = sent.length < wanted.length ? renderPage(pageAt(items, sent)) : undefined
  return pubsubElement(itemsElement(service, node, sent), note)
}

/** In the order in which they were asked for; what is not there is left out. */
function named(items: readonly Item[], ids: ReadonlySet<string | undefined>): readonly Item[] {
  const found = [...ids].map((id) => items.find((item) => item.id === id)).filter((item) => item !== undefined)
  return found.slice(0, fitting(found))
}

/** A page that is as large as was asked for, unless that is too much. */
function fittingPage(items: readonly Item[], request: PageRequest, limit: number): Page<Item> {
  let size = pageSize(request, { usual: limit, limit })
  for (;;) {
    const page = pageOf(items, ({ id }) => id, request, size)
    if (fitting(page.items) >= page.items.length) return page
    size = Math.ceil(size / 2)
  }
}

function itemsElement(service: Service, node: Node, items: readonly Item[]): Element {
  const elements = items.map((item) => itemElement(item, publisherShown(service, node, item)))
  return xml('items', { node: node.id }, ...elements)
}

/** §6.5.7: the newest so many; undefined for all. */
function maxItems({ attrs }: Element): number | undefined {
  const text = attrs['max_items']
  if (text === undefined) return undefined
  const most = parseInteger(text, { min: 0 })
  if (most === undefined) throw new StanzaError('bad-request', 'max_items must be a whole number')
  return most
}

function newest(items: readonly Item[], most: number | undefined): readonly Item[] {
  return most === undefined ? items : items.slice(Math.max(0, items.length - most))
}

/** How many of the first items may be sent together. */
function fitting(items: readonly Item[]): number {
  let chars = 0
  for (const [count, item] of items.entries()) {
    chars += charsOf(item)
    if (chars > MOST_CHARS) return Math.max(1, count)
  }
  return items.length
}

function pageAt(all: readonly Item[], items: readonly Item[]) {
  const [first] = items
  return { first: first?.id, last: items.at(-1)?.id, index: all.length - items.length, count: all.length }
}

/** XEP-0413 §4; as they were published if nothing else is asked for. */
function order(items: readonly Item[], wanted: Element | undefined): readonly Item[] {
  if (wanted === undefined) return items
  const { by, desc = 'false' } = wanted.attrs
  if (by !== 'creation' && by !== 'modification') throw new StanzaError('feature-not-implemented')
  const ordered = by === 'modification' ? items : items.toSorted((a, b) => a.createdAt - b.createdAt || a.seq - b.seq)
  return parseBoolean(desc) === true ? ordered.toReversed() : ordered
}
