/** XEP-0297: Stanza Forwarding. A stanza inside another. */
import { type Element, xml } from '../xml/element.ts'
import { NS } from '../xml/ns.ts'
import type { Stanza } from '../xml/stanza.ts'
import { type Delay, delayElement, readDelay } from './delay.ts'

export interface Forwarded {
  /** The message, presence or iq, in its own namespace. */
  readonly stanza: Element
  /** When the forwarding entity received it. */
  readonly delay: Delay | undefined
}

/** Wraps a stanza as it is; what it should not reveal must be taken away before. `by` noted when it was received. */
export function forwardedElement(stanza: Stanza, received?: Date, by?: string): Element {
  const delay = received !== undefined && delayElement(received, by)
  return xml('forwarded', { xmlns: NS.forward }, delay, stanza.toElement())
}

/**
 * Undefined unless the element holds exactly one stanza. Whether to believe it depends on who sent it: forwarded
 * stanzas are never handled as if they had arrived by themselves (§7).
 */
export function readForwarded(forwarded: Element | undefined): Forwarded | undefined {
  if (forwarded === undefined || forwarded.name !== 'forwarded' || forwarded.ns !== NS.forward) return undefined
  const [stanza, ...others] = forwarded.elements.filter(isStanza)
  if (stanza === undefined || others.length > 0) return undefined
  return { stanza, delay: readDelay(forwarded.child('delay', NS.delay)) }
}

const stanzaNames: ReadonlySet<string> = new Set(['message', 'presence', 'iq'])

function isStanza({ name, ns }: Element): boolean {
  return stanzaNames.has(name) && (ns === NS.client || ns === NS.server)
}
