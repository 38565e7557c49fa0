/** XEP-0334: Message Processing Hints. What the sender would like done, or not done, with a message. */
import { type Element, xml } from '../xml/element.ts'
import { NS } from '../xml/ns.ts'
import type { Stanza } from '../xml/stanza.ts'

export type Hint = 'no-copy' | 'no-permanent-store' | 'no-store' | 'store'

/** True if the sender gave that hint. Errors carry the hints of what they answer, so theirs do not count (§5). */
export function hasHint(stanza: Stanza, hint: Hint): boolean {
  return stanza.type !== 'error' && stanza.has(hint, NS.hints)
}

export function hintElement(hint: Hint): Element {
  return xml(hint, { xmlns: NS.hints })
}
