/** XEP-0431: Full Text Search in MAM. What an archived message says, to whoever searches for it. */
import { NS } from '../xml/ns.ts'
import { Stanza } from '../xml/stanza.ts'

export const NS_FULLTEXT = 'urn:xmpp:fulltext:0'

/**
 * The bodies of a message, in all of its languages, and its subject. Of an encrypted one nothing: its body says that it
 * is encrypted (XEP-0380 §3), and would be found by that.
 */
export function messageText(xml: string): string {
  // Most of what is archived without a body need not be parsed; and what is no whole message must not be.
  if (!xml.includes('<body') && !xml.includes('<subject')) return ''
  if (!xml.startsWith('<message') || !xml.endsWith('</message>')) return ''
  const stanza = tryParse(xml)
  if (stanza === undefined || stanza.has('encryption', NS.encryption)) return ''
  return [...stanza.children('subject'), ...stanza.children('body')].map((element) => element.getText()).join('\n')
}

/** What cannot be read says nothing; the index must not stop at it. */
function tryParse(xml: string): Stanza | undefined {
  try {
    return Stanza.parse(xml)
  } catch {
    return undefined
  }
}
