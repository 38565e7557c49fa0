/** What is offered to those who log in (RFC 6120 §6.3.3, XEP-0440). */
import type { ChannelBindingType } from './channel-binding.ts'
import { certifiedNodes } from './external.ts'
import type { Mechanism, MechanismNeed, SaslEnvironment } from './mechanism.ts'

/** Fixed, since SCRAM vouches for it (XEP-0474); the same for all peers in the same situation. */
export interface Offer {
  /** The strongest first. */
  readonly mechanisms: readonly Mechanism[]
  /** Their names. */
  readonly names: readonly string[]
  /** The types to announce with them; empty if no mechanism offered can use them. */
  readonly bindingTypes: readonly ChannelBindingType[]
}

/** What an offer depends on. */
export type OfferGround = Pick<
  SaslEnvironment,
  'host' | 'parseJid' | 'secure' | 'bindingTypes' | 'peerCertificate' | 'hashes'
>

/** `known` are the mechanisms that the host allows. */
export function makeOffer(known: readonly Mechanism[], ground: OfferGround): Offer {
  const mechanisms = known
    .filter(({ needs }) => needs.every((need) => isMet[need](ground)))
    .filter(({ hash }) => hash === undefined || (ground.hashes?.includes(hash) ?? true))
    .toSorted((a, b) => b.strength - a.strength)
  const canBind = mechanisms.some(({ needs }) => needs.includes('channel-binding'))
  return {
    mechanisms,
    names: mechanisms.map(({ name }) => name),
    bindingTypes: canBind ? ground.bindingTypes : [],
  }
}

const isMet: Readonly<Record<MechanismNeed, (ground: OfferGround) => boolean>> = {
  secure: ({ secure }) => secure,
  'channel-binding': ({ bindingTypes }) => bindingTypes.length > 0,
  'certified-address': (ground) => certifiedNodes(ground).length > 0,
}
