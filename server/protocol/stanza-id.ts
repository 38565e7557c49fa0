/** XEP-0359: Unique and Stable Stanza IDs. The name that an archive or a room has given to a message. */
import { type Element, xml } from '../xml/element.ts'
import { NS } from '../xml/ns.ts'
import type { Stanza } from '../xml/stanza.ts'
import { withoutClaimsOf } from './forged-children.ts'

export interface StanzaId {
  readonly id: string
  /** Who gave it: an account or a room, prepared. */
  readonly by: string
}

export function stanzaIdElement({ id, by }: StanzaId): Element {
  return xml('stanza-id', { xmlns: NS.sid, id, by })
}

/** The stanza with that id, and without any other that claims to be by the same entity (§3). */
export function withStanzaId(stanza: Stanza, { id, by }: StanzaId): Stanza {
  return withoutStanzaIdsBy(stanza, by).append(stanzaIdElement({ id, by }))
}

/**
 * Takes away every id that claims to be by this entity, which it must do even if it gives none itself (§3); `by` is
 * prepared.
 */
export function withoutStanzaIdsBy(stanza: Stanza, by: string): Stanza {
  return withoutClaimsOf(by, stanza, CLAIM)
}

/** The id that an entity gave to a stanza. Trust it only where that entity, or its server, removes forged ones. */
export function stanzaIdBy(stanza: Stanza, by: string): string | undefined {
  return stanza.children('stanza-id', NS.sid).find((child) => child.attrs['by'] === by)?.attrs['id']
}

/** The id that the sender chose; anybody can choose any (§6). */
export function originIdOf(stanza: Stanza): string | undefined {
  return stanza.child('origin-id', NS.sid)?.attrs['id']
}

const CLAIM = { name: 'stanza-id', ns: NS.sid, attribute: 'by' }
