/** XEP-0203: Delayed Delivery. When a stanza was sent that arrives later. */
import { type Element, xml } from '../xml/element.ts'
import { NS } from '../xml/ns.ts'
import type { Stanza } from '../xml/stanza.ts'
import { formatDateTime, parseDateTime } from './date-time.ts'
import { withoutClaimsOf } from './forged-children.ts'

export interface Delay {
  readonly stamp: Date
  /** Who kept the stanza back, or sent it first. */
  readonly from?: string | undefined
  readonly reason?: string | undefined
}

/** The note that a stanza was sent, or received, at that instant; `from` is who noted it. */
export function delayElement(stamp: Date, from?: string, reason?: string): Element {
  return xml('delay', { xmlns: NS.delay, from, stamp: formatDateTime(stamp) }, reason)
}

/** Undefined if the element is no delay or has no valid stamp: what others have noted is not ours to refuse. */
export function readDelay(delay: Element | undefined): Delay | undefined {
  if (delay === undefined || delay.name !== 'delay' || delay.ns !== NS.delay) return undefined
  const stamp = parseDateTime(delay.attrs['stamp'] ?? '')
  if (stamp === undefined) return undefined
  return { stamp, from: delay.attrs['from'], reason: delay.getText() || undefined }
}

/** Takes away every delay that claims to come from an entity of ours; `jid` is prepared (§5). */
export function withoutDelaysFrom(stanza: Stanza, jid: string): Stanza {
  return withoutClaimsOf(jid, stanza, CLAIM)
}

const CLAIM = { name: 'delay', ns: NS.delay, attribute: 'from' }
