/** XEP-0030 §4: what belongs to an entity, a page at a time if it is a lot (XEP-0059). */
import { type Element, xml } from '../xml/element.ts'
import { NS } from '../xml/ns.ts'
import { pageOf, pageSize, readPageRequest, renderPage } from './rsm.ts'

/** One line of `disco#items`. */
export interface DiscoItem {
  readonly jid: string
  readonly node?: string | undefined
  readonly name?: string | undefined
}

/** Lines in one answer. */
const MOST_LINES = 1000

/** The answer to a `<query/>` about distinct items: all of them, or the page that is asked for. Throws StanzaError. */
export function discoItemsElement(items: readonly DiscoItem[], query: Element): Element {
  const request = readPageRequest(query)
  const size = pageSize(request, { usual: MOST_LINES, limit: MOST_LINES })
  const page = pageOf(items, (item) => `${item.jid} ${item.node ?? item.name ?? ''}`, request, size)
  const lines = page.items.map(({ jid, node, name }) => xml('item', { jid, node, name }))
  const isWhole = request === undefined && lines.length === items.length
  return xml('query', { xmlns: NS.discoItems, node: query.attrs['node'] }, ...lines, !isWhole && renderPage(page))
}
