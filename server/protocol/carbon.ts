/** XEP-0280: Message Carbons. Which messages are copied to the other clients of an account, and what a copy looks like. */
import { message } from '../xml/build.ts'
import { xml } from '../xml/element.ts'
import { NS } from '../xml/ns.ts'
import { type ChildRef, Stanza } from '../xml/stanza.ts'
import { forwardedElement, readForwarded } from './forward.ts'
import { hasHint } from './hints.ts'

/** Which way a message goes, as its account sees it. */
export type Direction = 'sent' | 'received'

/**
 * Whether a message is one of those that all clients of an account shall see (§6.1). Of errors it cannot tell: that
 * depends on what they answer.
 */
export function isForAllClients(stanza: Stanza, direction: Direction): boolean {
  const { type = 'normal' } = stanza
  if (type === 'groupchat' || type === 'error' || isPrivate(stanza)) return false
  const room = stanza.child('x', NS.mucUser)
  if (room?.child('invite') !== undefined) return true
  // The room has sent a private message to each client that is in it.
  if (room !== undefined && direction === 'received' && stanza.from?.includes('/') === true) return false
  return type === 'chat' || (type === 'normal' && stanza.has('body')) || stanza.refs.some(isConversational)
}

/** The copy of a message for the clients of an account, given by its bare JID; it has no addressee yet (§7, §8). */
export function carbonOf(stanza: Stanza, direction: Direction, account: string): Stanza {
  const copy = xml(direction, { xmlns: NS.carbons }, forwardedElement(stanza))
  return message({ from: account, type: stanza.type }, copy)
}

/** The message that another client of the account has got or sent; undefined if that is no copy. */
export function copiedIn(stanza: Stanza): { readonly direction: Direction; readonly stanza: Stanza } | undefined {
  for (const direction of ['received', 'sent'] as const) {
    const forwarded = readForwarded(stanza.child(direction, NS.carbons)?.child('forwarded', NS.forward))
    const copied = forwarded && Stanza.fromElement(forwarded.stanza)
    if (copied !== undefined) return { direction, stanza: copied }
  }
  return undefined
}

/** Takes away what only the server of an account may send to its clients (§11). */
export function withoutCarbons(stanza: Stanza): Stanza {
  return stanza.refs.some(isCarbon) ? stanza.without(isCarbon) : stanza
}

/** Whether a child of a message makes it a copy. */
export function isCarbon({ name, ns }: ChildRef): boolean {
  return ns === NS.carbons && (name === 'sent' || name === 'received')
}

/** The sender does not want any copies (§9). */
function isPrivate(stanza: Stanza): boolean {
  return stanza.has('private', NS.carbons) || hasHint(stanza, 'no-copy')
}

/** What belongs to a conversation, whatever the type of the message. */
function isConversational({ ns }: ChildRef): boolean {
  return CONVERSATIONAL.has(ns)
}

const CONVERSATIONAL: ReadonlySet<string> = new Set([NS.receipts, NS.chatStates, NS.chatMarkers, NS.invitation])
