/** XEP-0060 §12.8: an item in words, for clients that do not know its format. */
import { type Item, payloadElement } from './item.ts'

const NS_ATOM = 'http://www.w3.org/2005/Atom'

/** The summary of an entry of Atom (RFC 4287), or else its title; undefined for other payloads, which we do not understand. */
export function summaryOf({ payload }: Item): string | undefined {
  if (payload?.name !== 'entry' || payload.ns !== NS_ATOM) return undefined
  const entry = payloadElement(payload)
  const [text] = ['summary', 'title'].map((name) => entry.child(name)?.getText().trim()).filter(Boolean)
  return text
}
