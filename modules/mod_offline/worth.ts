/** Which messages wait for their addressee (XEP-0160 §3). */
import { isCarbon } from '../../server/protocol/carbon.ts'
import type { StanzaEvent } from '../../server/routed-stanza.ts'
import { NS } from '../../server/xml/ns.ts'
import type { ChildRef, Stanza } from '../../server/xml/stanza.ts'

/** By their type and address. */
export function isForAccount({ stanza: { type }, to }: Pick<StanzaEvent, 'stanza' | 'to'>): boolean {
  // A type that nobody knows means the same as `normal` (RFC 6121 §5.2.2).
  return to.node !== undefined && type !== 'headline' && type !== 'groupchat' && type !== 'error'
}

/**
 * Not if its sender does not want that (XEP-0334 §4.2), if it only says that somebody is typing (XEP-0160 §3), if it
 * is a copy of what another client of the account has got or sent (XEP-0280), or if it was read in an archive (XEP-0313).
 */
export function isWorthKeeping(stanza: Stanza): boolean {
  if (stanza.has('no-store', NS.hints) || stanza.has('result', NS.mam) || stanza.refs.some(isCarbon)) return false
  const isNews = ({ ns, name }: ChildRef): boolean => ns !== NS.chatStates && !(ns === NS.client && name === 'thread')
  return stanza.type !== 'chat' || stanza.refs.some(isNews)
}
