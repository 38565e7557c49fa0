/** What a phone in a pocket must hear of at once (XEP-0352 §6 leaves that to us). */
import { copiedIn } from '../../server/protocol/carbon.ts'
import { NS } from '../../server/xml/ns.ts'
import type { Stanza } from '../../server/xml/stanza.ts'

/** Calls, invitations and words are for people; what only changes how something looks can wait. */
export function isUrgent(stanza: Stanza, mentions: (text: string) => boolean): boolean {
  if (stanza.name === 'iq') return true
  if (stanza.name === 'presence') return stanza.type !== undefined && stanza.type !== 'unavailable'
  return isUrgentMessage(stanza, mentions)
}

function isUrgentMessage(stanza: Stanza, mentions: (text: string) => boolean): boolean {
  const { type } = stanza
  if (type === 'error') return true
  if (type === 'headline') return false
  const copied = copiedIn(stanza)
  if (copied !== undefined) return isUrgentMessage(copied.stanza, mentions)
  if (type === 'groupchat') return stanza.has('subject') || mentions(stanza.childText('body') ?? '')
  return stanza.refs.some(({ name, ns }) => URGENT.has(ns) || URGENT.has(`${ns} ${name}`))
}

/** By namespace, or by namespace and name. */
const URGENT: ReadonlySet<string> = new Set([
  `${NS.client} body`,
  `${NS.client} subject`,
  NS.encryption,
  'eu.siacs.conversations.axolotl',
  'urn:xmpp:omemo:2',
  // A call rings now or never (XEP-0353).
  NS.jingleMessage,
  'urn:xmpp:call-invites:0',
  NS.attention,
  NS.invitation,
  `${NS.mucUser} x`,
  NS.mam,
])
