/** XEP-0492 §3: whether a message in a room is meant for somebody: by name, by reference, or as an answer. */
import type { Stanza } from '../../server/xml/stanza.ts'

const NS_REFERENCE = 'urn:xmpp:reference:0'
const NS_REPLY = 'urn:xmpp:reply:0'

/** What is looked for in the message; made once for all who may be meant. */
export interface Said {
  readonly body: string
  /** URIs of those who are referred to (XEP-0372), and the address that is answered (XEP-0461). */
  readonly addresses: ReadonlySet<string>
}

export function saidIn(stanza: Stanza): Said {
  const references = stanza.children('reference', NS_REFERENCE).filter(({ attrs }) => attrs['type'] === 'mention')
  const uris = references.map(({ attrs }) => attrs['uri']?.replace(/^xmpp:/, '') ?? '')
  const answered = stanza.child('reply', NS_REPLY)?.attrs['to'] ?? ''
  return {
    body: (stanza.childText('body') ?? '').toLowerCase(),
    addresses: new Set([...uris, answered].map((address) => address.toLowerCase())),
  }
}

/** `addresses`: the bare JID of somebody, and the occupant JID. */
export function isMentioned({ body, addresses }: Said, nick: string, ...known: readonly string[]): boolean {
  return known.some((address) => addresses.has(address.toLowerCase())) || hasWord(body, nick.toLowerCase())
}

/** True if the word is there, and is not a part of another one. */
function hasWord(text: string, word: string): boolean {
  for (let at = text.indexOf(word); at !== -1; at = text.indexOf(word, at + 1)) {
    if (!isWordPart(text[at - 1]) && !isWordPart(text[at + word.length])) return true
  }
  return false
}

function isWordPart(char: string | undefined): boolean {
  return char !== undefined && /[\p{L}\p{N}_]/u.test(char)
}
