/** What is worth waking somebody up for: words and calls, but not that somebody is typing or has read something. */
import { copiedIn } from '../../server/protocol/carbon.ts'
import { hasHint } from '../../server/protocol/hints.ts'
import { stanzaIdBy } from '../../server/protocol/stanza-id.ts'
import { own } from '../../server/util/own.ts'
import { NS } from '../../server/xml/ns.ts'
import type { ChildRef, Stanza } from '../../server/xml/stanza.ts'

/** What a client has missed. */
export interface News {
  /** A call rings now or never (XEP-0353 §5.1); data is for programs. */
  readonly kind: 'call' | 'message' | 'data'
  /** The same for all copies of one message; undefined if they cannot be told apart. */
  readonly name: string | undefined
  /** The address of whoever has sent it. */
  readonly sender: string
  /** Undefined if there is none, or if what it says is encrypted. */
  readonly body: string | undefined
}

/** The message itself, if what a client gets is the copy of one that another client has got; undefined if it has sent it. */
export function originalOf(stanza: Stanza, account: string): Stanza | undefined {
  const copied = stanza.from === account ? copiedIn(stanza) : undefined
  if (copied === undefined) return stanza
  return copied.direction === 'received' ? copied.stanza : undefined
}

/** What a stanza is to an account, given by its bare JID; undefined if that can wait until the client is back anyway. */
export function newsIn(stanza: Stanza, account: string): News | undefined {
  const kind = kindOf(stanza)
  if (kind === undefined) return undefined
  const { from = '' } = stanza
  const body = isEncrypted(stanza) ? undefined : stanza.childText('body')
  return { kind, name: nameOf(stanza, account), sender: own(from), body: body && own(body) }
}

/** Nobody keeps it for a client that is not there at all; a call is tried nevertheless. */
export function isFleeting(stanza: Stanza, { kind }: News): boolean {
  return kind !== 'call' && hasHint(stanza, 'no-store')
}

function kindOf(stanza: Stanza): News['kind'] | undefined {
  // What others have sent to an app of the client (UnifiedPush) waits with it.
  if (stanza.name === 'iq') return stanza.has('push', NS.unifiedPush) ? 'data' : undefined
  if (stanza.name === 'presence' || stanza.type === 'error' || stanza.type === 'headline') return undefined
  // The history of a room.
  if (stanza.type === 'groupchat' && stanza.has('delay', NS.delay)) return undefined
  if (stanza.refs.some(isCall)) return 'call'
  // They may have a body, for clients that do not know them.
  if (stanza.has('retract', NS.retract) || stanza.has('reactions', NS.reactions)) return undefined
  return hasWords(stanza) || isInvitation(stanza) || stanza.has('attention', NS.attention) ? 'message' : undefined
}

function isCall({ name, ns }: ChildRef): boolean {
  return (name === 'propose' && ns === NS.jingleMessage) || (name === 'invite' && ns === 'urn:xmpp:call-invites:0')
}

function hasWords(stanza: Stanza): boolean {
  if (stanza.has('body')) return stanza.childText('body') !== '' && !isOnlyKeys(stanza)
  return isEncrypted(stanza) && !isOnlyKeys(stanza)
}

/** Clients exchange keys in messages without content (XEP-0384 §5.5.3). */
function isOnlyKeys(stanza: Stanza): boolean {
  return OMEMO.some(
    (ns) => stanza.has('encrypted', ns) && stanza.child('encrypted', ns)?.child('payload') === undefined,
  )
}

const OMEMO: readonly string[] = ['eu.siacs.conversations.axolotl', 'urn:xmpp:omemo:2']

function isEncrypted({ refs }: Stanza): boolean {
  return refs.some(({ ns }) => ENCRYPTED.has(ns))
}

const ENCRYPTED: ReadonlySet<string> = new Set([...OMEMO, NS.encryption, 'urn:xmpp:openpgp:0', 'jabber:x:encrypted'])

function isInvitation(stanza: Stanza): boolean {
  return stanza.has('x', NS.invitation) || stanza.child('x', NS.mucUser)?.child('invite') !== undefined
}

/** By the archive of the account or the room; else as the sender has named it. */
function nameOf(stanza: Stanza, account: string): string | undefined {
  const { from = '', id, type } = stanza
  const archive = type === 'groupchat' ? bareOf(from) : account
  const archived = stanzaIdBy(stanza, archive)
  if (archived !== undefined) return own(`${archive} ${archived}`)
  return id === undefined || id.length > LONGEST_ID ? undefined : own(`${from} ${id}`)
}

const LONGEST_ID = 256

function bareOf(address: string): string {
  const end = address.indexOf('/')
  return end === -1 ? address : address.slice(0, end)
}
