/** What only a room may say, taken away from what others send to it (XEP-0045 §17.3, XEP-0359 §3, XEP-0421 §4). */
import { withoutDelaysFrom } from '../../server/protocol/delay.ts'
import { withoutClaimsOf } from '../../server/protocol/forged-children.ts'
import { withoutStanzaIdsBy } from '../../server/protocol/stanza-id.ts'
import { NS } from '../../server/xml/ns.ts'
import type { ChildRef, Stanza } from '../../server/xml/stanza.ts'
import { NS_HATS } from './namespaces.ts'

const ROOMS_ALONE: ReadonlySet<string> = new Set([NS.muc, NS.mucUser, NS.mucAdmin, NS.mucOwner, NS.occupantId, NS_HATS])

/** What delays were before XEP-0203 (XEP-0091). */
const OLD_DELAY = { name: 'x', ns: 'jabber:x:delay', attribute: 'from' }

/** The stanza without claims about who is who, and without ids and delays that pretend to be of this room. */
export function withoutClaims(stanza: Stanza, room: string): Stanza {
  const honest = stanza.refs.some(isOfRoomsAlone) ? stanza.without(isOfRoomsAlone) : stanza
  return withoutClaimsOf(room, withoutDelaysFrom(withoutStanzaIdsBy(honest, room), room), OLD_DELAY)
}

function isOfRoomsAlone({ ns }: ChildRef): boolean {
  return ROOMS_ALONE.has(ns)
}
