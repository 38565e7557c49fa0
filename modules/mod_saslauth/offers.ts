/** What streams are offered to log in with, and what it looks like. */
import type { Mechanism } from '../../server/auth/sasl/mechanism.ts'
import { makeOffer, type Offer, type OfferGround } from '../../server/auth/sasl/offer.ts'
import { type Element, xml } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'
import { written } from '../../server/xml/raw-element.ts'

const NS_BINDINGS = 'urn:xmpp:sasl-cb:0'

/** An offer, and the stream features that tell of it. */
export interface ShownOffer extends Offer {
  readonly mechanismsFeature: Element | undefined
  readonly bindingsFeature: Element | undefined
}

/** Offers, made once for each of the few situations in which most streams are. */
export class Offers {
  readonly #known: readonly Mechanism[]
  readonly #made = new Map<string, ShownOffer>()

  constructor(known: readonly Mechanism[]) {
    this.#known = known
  }

  for(ground: OfferGround): ShownOffer {
    // What is offered to one certificate is offered to nobody else.
    if (ground.peerCertificate !== undefined) return show(makeOffer(this.#known, ground))
    const situation = `${ground.secure} ${ground.bindingTypes.join(' ')} ${ground.hashes?.join(' ')}`
    const made = this.#made.get(situation) ?? show(makeOffer(this.#known, ground))
    this.#made.set(situation, made)
    return made
  }
}

function show(offer: Offer): ShownOffer {
  const mechanisms = offer.names.map((name) => xml('mechanism', {}, name))
  const bindings = offer.bindingTypes.map((type) => xml('channel-binding', { type }))
  return {
    ...offer,
    mechanismsFeature: feature('mechanisms', NS.sasl, mechanisms),
    bindingsFeature: feature('sasl-channel-binding', NS_BINDINGS, bindings),
  }
}

/** Undefined if there is nothing to say. */
function feature(name: string, ns: string, children: readonly Element[]): Element | undefined {
  if (children.length === 0) return undefined
  return written(xml(name, { xmlns: ns }, ...children))
}
