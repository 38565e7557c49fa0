/** XEP-0313 §6.1: which messages belong in an archive, by what they hold. */
import { NS } from '../xml/ns.ts'
import type { ChildRef, Stanza } from '../xml/stanza.ts'
import { hasHint } from './hints.ts'

/**
 * Whether a message says something that will be of interest later. Its type does not count here: that depends on whose
 * archive it is. Neither does what is only of the moment, as chat states are.
 */
export function isWorthKeeping(stanza: Stanza): boolean {
  if (hasHint(stanza, 'no-store') || hasHint(stanza, 'no-permanent-store')) return false
  return stanza.has('body') || hasHint(stanza, 'store') || stanza.refs.some(isContent) || isInvitation(stanza)
}

/** True for a child that makes a message worth keeping though it has no body. */
function isContent({ name, ns }: ChildRef): boolean {
  const names = CONTENT.get(ns)
  return names !== undefined && (names === EVERYTHING || names.includes(name))
}

/** A room, or somebody through it, asks the account to come (XEP-0045 §7.8.2). */
function isInvitation(stanza: Stanza): boolean {
  return stanza.has('x', NS.mucUser) && stanza.child('x', NS.mucUser)?.child('invite') !== undefined
}

const EVERYTHING: readonly string[] = []

/** By namespace, the children that count. */
const CONTENT: ReadonlyMap<string, readonly string[]> = new Map([
  [NS.client, ['subject']],
  // Encrypted: what it says is not ours to know.
  [NS.encryption, EVERYTHING],
  ['urn:xmpp:omemo:2', ['encrypted']],
  ['eu.siacs.conversations.axolotl', ['encrypted']],
  ['urn:xmpp:openpgp:0', ['openpgp']],
  ['jabber:x:encrypted', ['x']],
  // What has become of other messages: without it an archive would tell another story.
  [NS.receipts, ['received']],
  [NS.chatMarkers, ['received', 'displayed', 'acknowledged']],
  [NS.correction, ['replace']],
  [NS.reactions, ['reactions']],
  [NS.retract, ['retract']],
  ['urn:xmpp:fasten:0', ['apply-to']],
  // Calls, and invitations to rooms.
  [NS.jingleMessage, EVERYTHING],
  ['urn:xmpp:call-invites:0', EVERYTHING],
  [NS.invitation, ['x']],
])
