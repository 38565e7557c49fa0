/** HOT. XEP-0313 §4.2, §4.3, §5: what an archive answers, whosever it is. */
import { type Element, xml } from '../xml/element.ts'
import { escapeAttribute } from '../xml/escape.ts'
import { NS } from '../xml/ns.ts'
import { rawElement } from '../xml/raw-element.ts'
import type { ArchiveItem, Owner } from '../../storage/store.ts'
import { type ArchiveRequest, readArchiveQuery } from './archive-query.ts'
import type { ArchivePage, ArchiveReader } from './archive-reader.ts'
import { formatDateTime } from './date-time.ts'
import { pageSize, renderPage } from './rsm.ts'

/** Who asks, and what they may see. */
export interface Asking {
  /** How many items to a page. */
  readonly pages: { readonly usual: number; readonly limit: number }
  /** What they are given instead of what they ask for; throws StanzaError for what they may not ask. */
  readonly permit?: (request: ArchiveRequest) => ArchiveRequest
  /** Takes a `<result/>` to whoever has asked. */
  readonly send: (result: Element) => void
  /** A message as they may see it; as it was archived, unless this is given. */
  readonly show?: (item: ArchiveItem) => Element
  /** False if something of the archive may be missing just now (§4.3.2). */
  readonly isStable?: boolean
}

/** Answers a `<query/>`: sends the results, in the order that is wanted, and gives the `<fin/>`. Throws StanzaError. */
export async function answerQuery(
  reader: ArchiveReader,
  owner: Owner,
  query: Element,
  { pages, permit, send, show = archivedElement, isStable = true }: Asking,
): Promise<Element> {
  const asked = readArchiveQuery(query)
  const request = permit?.(asked) ?? asked
  const page = await reader.page(owner, request, pageSize(request.page, pages))
  const items = request.isFlipped ? page.items.toReversed() : page.items
  for (const item of items) send(resultElement(item, request.queryId, show(item)))
  return finElement(page, isStable)
}

/** The `<metadata/>` of an archive (§5). */
export async function metadataElement(reader: ArchiveReader, owner: Owner): Promise<Element> {
  const [first, last] = (await reader.ends(owner)) ?? []
  return xml('metadata', { xmlns: NS.mam }, first && endElement('start', first), last && endElement('end', last))
}

/** The message of an item. Archives hold what `Stanza.toString` writes, which leaves out the namespace of the stream. */
export function archivedElement({ stanza }: ArchiveItem): Element {
  return rawElement('message', NS.client, `<message xmlns='${NS.client}'${stanza.slice('<message'.length)}`)
}

/** The `<result/>` of one item (§4.2), as text: a page has many, and all that varies is in four places. */
export function resultElement({ id, when }: ArchiveItem, queryId: string | undefined, stanza: Element): Element {
  const query = queryId === undefined ? '' : ` queryid='${escapeAttribute(queryId)}'`
  const delay = `<delay xmlns='${NS.delay}' stamp='${formatDateTime(when)}'/>`
  const forwarded = `<forwarded xmlns='${NS.forward}'>${delay}${stanza.toString()}</forwarded>`
  return rawElement('result', NS.mam, `<result xmlns='${NS.mam}'${query} id='${id}'>${forwarded}</result>`)
}

/** The `<fin/>` that ends a page (§4.3.2). */
function finElement({ items, isComplete, count }: ArchivePage, isStable: boolean): Element {
  const complete = isComplete ? 'true' : undefined
  const stable = isStable ? undefined : 'false'
  const page = renderPage({ first: items[0]?.id, last: items.at(-1)?.id, count })
  return xml('fin', { xmlns: NS.mam, complete, stable }, page)
}

function endElement(name: 'start' | 'end', { id, when }: ArchiveItem): Element {
  return xml(name, { id, timestamp: formatDateTime(when) })
}
