/** How far streams are in their logins. */
import { bindingTypes, channelBinding } from '../../server/auth/sasl/channel-binding.ts'
import type { Mechanism, SaslEnvironment } from '../../server/auth/sasl/mechanism.ts'
import { SaslNegotiator } from '../../server/auth/sasl/negotiator.ts'
import type { OfferGround } from '../../server/auth/sasl/offer.ts'
import type { Stream } from '../../server/stream/stream.ts'
import { Offers, type ShownOffer } from './offers.ts'

/** What is the same for all streams of a host. */
export interface HostGround extends Pick<
  SaslEnvironment,
  'host' | 'lookup' | 'parseJid' | 'random' | 'pbkdf2' | 'fakeSecret'
> {
  /** For which hashes whoever says that he is that can have keys; undefined means all. */
  hashesOf(claimed: string | undefined): SaslEnvironment['hashes']
}

/** What is known of a stream that has not logged in. */
interface Login {
  readonly isSecure: boolean
  readonly claimed: string | undefined
  /** What the offer was made by. */
  readonly offers: Offers
  readonly offer: ShownOffer
  /** Made when the peer begins. */
  negotiator?: SaslNegotiator
}

export class OpenLogins {
  #allowed: readonly Mechanism[]
  readonly #ground: HostGround
  #offers: Offers
  readonly #logins = new WeakMap<Stream, Login>()

  /** `allowed` are the mechanisms of the host. */
  constructor(allowed: readonly Mechanism[], ground: HostGround) {
    this.#allowed = allowed
    this.#ground = ground
    this.#offers = new Offers(allowed)
  }

  /** Streams that begin to log in from now on are offered others. */
  allow(mechanisms: readonly Mechanism[]): void {
    this.#allowed = mechanisms
    this.#offers = new Offers(mechanisms)
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
    const { claimed } = stream
    // What was offered on the plain wire does not hold for the one that TLS has made of it, nor for somebody else.
    if (begun !== undefined && begun.isSecure === isSecure && begun.claimed === claimed && this.#holds(begun)) {
      return begun
    }
    const offer = this.#offers.for(this.#offerGround(stream))
    const login = { isSecure, claimed, offers: this.#offers, offer }
    this.#logins.set(stream, login)
    return login
  }

  /** Whoever has begun goes on with what was offered. */
  #holds({ negotiator, offers }: Login): boolean {
    return negotiator !== undefined || offers === this.#offers
  }

  #offerGround({ claimed, transport: { secure: channel, local, encrypted } }: Stream): OfferGround {
    const peerCertificate = channel?.peerCertificate
    const { host, parseJid } = this.#ground
    const hashes = this.#ground.hashesOf(claimed)
    return {
      host,
      parseJid,
      secure: encrypted || local,
      bindingTypes: channel === undefined ? [] : bindingTypes(channel),
      ...(peerCertificate && { peerCertificate }),
      ...(hashes && { hashes }),
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
