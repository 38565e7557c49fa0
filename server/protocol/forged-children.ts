/** Children of a stanza that claim to come from someone, as ids (XEP-0359) and delays (XEP-0203) do. */
import { Jid } from '../jid/jid.ts'
import type { Stanza } from '../xml/stanza.ts'

/** The children in question, and the attribute in which they name an address. */
export interface Claim {
  readonly name: string
  readonly ns: string
  readonly attribute: string
}

/** The stanza without the children that claim to come from that address, which is prepared. */
export function withoutClaimsOf(address: string, stanza: Stanza, { name, ns, attribute }: Claim): Stanza {
  if (!stanza.has(name, ns)) return stanza
  const forged = new Set(
    stanza.refs.filter((ref, place) => {
      return ref.name === name && ref.ns === ns && isAbout(stanza.childAt(place)?.attrs[attribute], address)
    }),
  )
  return stanza.without((ref) => forged.has(ref))
}

/** True also for another spelling of the address: whoever reads it may prepare it first. */
function isAbout(claimed: string | undefined, address: string): boolean {
  return claimed !== undefined && (claimed === address || Jid.tryParse(claimed)?.full === address)
}
