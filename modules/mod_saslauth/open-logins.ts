/** How far streams are in their logins. */
import { bindingTypes, channelBinding } from '../../server/auth/sasl/channel-binding.ts'
import type { Mechanism, SaslEnvironment } from '../../server/auth/sasl/mechanism.ts'
import { SaslNegotiator } from '../../server/auth/sasl/negotiator.ts'
import type { OfferGround } from '../../server/auth/sasl/offer.ts'
import type { Stream } from '../../server/stream/stream.ts'
import { Offers, type ShownOffer } from './offers.ts'

/** What is the same for all streams of a host. */
export type HostGround = Pick<SaslEnvironment, 'host' | 'lookup' | 'parseJid' | 'random' | 'pbkdf2' | 'fakeSecret'>

/** What is known of a stream that has not logged in. */
interface Login {
  readonly isSecure: boolean
  readonly offer: ShownOffer
  /** Made when the peer begins. */
  negotiator?: SaslNegotiator
}

export class OpenLogins {
  readonly #allowed: readonly Mechanism[]
  readonly #ground: HostGround
  readonly #offers: Offers
  readonly #logins = new WeakMap<Stream, Login>()

  /** `allowed` are the mechanisms of the host. */
  constructor(allowed: readonly Mechanism[], ground: HostGround) {
    this.#allowed = allowed
    this.#ground = ground
    this.#offers = new Offers(allowed)
  }

  /** What is offered on a stream as it is now. */
  offer(stream: Stream): ShownOffer {
    return this.#of(stream).offer
  }

  negotiator(stream: Stream): SaslNegotiator {
    const login = this.#of(stream)
    return (login.negotiator ??= new SaslNegotiator(this.#allowed, this.#environment(stream), login.offer))
  }

  forget(stream: Stream): void {
    this.#logins.delete(stream)
  }

  #of(stream: Stream): Login {
    const begun = this.#logins.get(stream)
    const isSecure = stream.facts.has('secure')
    // What was offered on the plain wire does not hold for the one that TLS has made of it.
    if (begun !== undefined && begun.isSecure === isSecure) return begun
    const login = { isSecure, offer: this.#offers.for(this.#offerGround(stream)) }
    this.#logins.set(stream, login)
    return login
  }

  #offerGround({ transport: { secure: channel, local, encrypted } }: Stream): OfferGround {
    const peerCertificate = channel?.peerCertificate
    return {
      ...this.#ground,
      secure: encrypted || local,
      bindingTypes: channel === undefined ? [] : bindingTypes(channel),
      ...(peerCertificate && { peerCertificate }),
    }
  }

  #environment(stream: Stream): SaslEnvironment {
    const { secure: channel } = stream.transport
    return {
      ...this.#ground,
      ...this.#offerGround(stream),
      channelBinding: (type) => channel && channelBinding(channel, type),
    }
  }
}
