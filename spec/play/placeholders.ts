/** What a play leaves open in its stanzas: `${Romeo's full JID}`, `${name}`. */
import { escapeXml } from './xml-node.ts'

/** What stands between `${` and `}`. */
export type Placeholder =
  | { readonly kind: 'bare JID' | 'full JID'; readonly character: string }
  | { readonly kind: 'capture'; readonly name: string }

const pattern = /\$\{([^{}\n]*)\}/g

/** The placeholders of a text, in order. */
export function placeholdersIn(text: string): readonly Placeholder[] {
  return [...text.matchAll(pattern)].map(([, inner = '']) => parsePlaceholder(inner))
}

/** The text with its placeholders filled in; the values are escaped for XML. */
export function substitute(text: string, valueOf: (placeholder: Placeholder) => string): string {
  return text.replace(pattern, (_, inner: string) => escapeXml(valueOf(parsePlaceholder(inner))))
}

function parsePlaceholder(inner: string): Placeholder {
  // Names may hold apostrophes themselves: Juliet's phone's JID.
  const [, character, full] = /^(.+)'s (full )?JID$/.exec(inner) ?? []
  if (character === undefined) return { kind: 'capture', name: inner }
  return { kind: full === undefined ? 'bare JID' : 'full JID', character }
}
