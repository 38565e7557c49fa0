/** XEP-0060 §12.8: an item in words, for clients that do not know its format. */
import { type Item, payloadElement } from './item.ts'

const NS_ATOM = 'http://www.w3.org/2005/Atom'

/** The title, summary and address of an entry of Atom (RFC 4287); undefined for other payloads, which we do not understand. */
export function summaryOf({ payload }: Item): string | undefined {
  if (payload?.name !== 'entry' || payload.ns !== NS_ATOM) return undefined
  const entry = payloadElement(payload)
  const texts = ['title', 'summary'].map((name) => entry.child(name)?.getText().trim())
  const link = entry.elements.find(
    ({ name, ns, attrs }) => name === 'link' && ns === NS_ATOM && (attrs['rel'] ?? 'alternate') === 'alternate',
  )
  const lines = [...texts, link?.attrs['href']].filter((line) => line !== undefined && line !== '')
  return lines.length === 0 ? undefined : lines.join('\n')
}
