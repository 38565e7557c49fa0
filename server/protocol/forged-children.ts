/** HOT. Children of a stanza that claim to come from someone, as ids (XEP-0359) and delays (XEP-0203) do. */
import { Jid } from '../jid/jid.ts'
import type { ChildRef, Stanza } from '../xml/stanza.ts'

/** The children in question, and the attribute in which they name an address. */
export interface Claim {
  readonly name: string
  readonly ns: string
  readonly attribute: string
}

/** The stanza without the children that claim to come from that address, which is prepared. */
export function withoutClaimsOf(address: string, stanza: Stanza, claim: Claim): Stanza {
  let forged: Set<ChildRef> | undefined
  for (let place = 0; place < stanza.refs.length; place++) {
    const ref = stanza.refs[place]!
    if (ref.name !== claim.name || ref.ns !== claim.ns) continue
    if (isAbout(stanza.childAt(place)?.attrs[claim.attribute], address)) (forged ??= new Set()).add(ref)
  }
  return forged === undefined ? stanza : stanza.without((ref) => forged.has(ref))
}

/** True also for another spelling of the address: whoever reads it may prepare it first. */
function isAbout(claimed: string | undefined, address: string): boolean {
  if (claimed === undefined || claimed === address) return claimed === address
  return !isPlain(claimed) && Jid.tryParse(claimed)?.full === address
}

/** True for a bare address of which nobody can doubt how it is prepared; each message of a room names one. */
function isPlain(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    const isLetter = code >= 0x61 && code <= 0x7a
    // @ . - _ and digits
    const isOther = code === 0x40 || code === 0x2e || code === 0x2d || code === 0x5f || (code >= 0x30 && code <= 0x39)
    if (!isLetter && !isOther) return false
  }
  return !text.endsWith('.') && !text.includes('xn--')
}
