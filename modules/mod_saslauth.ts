/** RFC 6120 §6: logging in with SASL. */
import { LoginAttempts } from '../server/auth/attempts.ts'
import { HashingBusy } from '../server/auth/pbkdf2.ts'
import { anonymous } from '../server/auth/sasl/anonymous.ts'
import { bindingTypes, channelBinding, type ChannelBindingType } from '../server/auth/sasl/channel-binding.ts'
import { external } from '../server/auth/sasl/external.ts'
import type { Mechanism, SaslEnvironment } from '../server/auth/sasl/mechanism.ts'
import { type Outcome, SaslNegotiator } from '../server/auth/sasl/negotiator.ts'
import { makeOffer, type Offer, type OfferGround } from '../server/auth/sasl/offer.ts'
import { plain } from '../server/auth/sasl/plain.ts'
import { type SaslCondition, SaslFailure } from '../server/auth/sasl/sasl-failure.ts'
import { scram } from '../server/auth/sasl/scram.ts'
import { t } from '../server/config/types.ts'
import { defineModule } from '../server/host/module.ts'
import { type Jid, JidError } from '../server/jid/jid.ts'
import type { Stream } from '../server/stream/stream.ts'
import { StreamError } from '../server/stream/stream-error.ts'
import { isPending, type Maybe } from '../server/util/maybe.ts'
import type { Random } from '../server/util/random.ts'
import { type Element, xml } from '../server/xml/element.ts'
import { NS } from '../server/xml/ns.ts'
import { rawElement } from '../server/xml/raw-element.ts'
import { keyval, type KeyvalStore } from '../storage/store.ts'

const NS_BINDINGS = 'urn:xmpp:sasl-cb:0'
const MECHANISMS: readonly Mechanism[] = [...scram, plain, external]

/** An offer, and what it looks like. */
interface ShownOffer extends Offer {
  readonly mechanismsFeature: Element | undefined
  readonly bindingsFeature: Element | undefined
}

/** What is known of a stream that has not logged in. */
interface Login {
  readonly isSecure: boolean
  readonly offer: ShownOffer
  /** Made when the peer begins. */
  negotiator?: SaslNegotiator
}

/** The logins of streams, for whoever speaks a profile of SASL. */
export interface Logins {
  /** What is offered on a stream as it is now. */
  offer(stream: Stream): Offer
  /** Throws or rejects with SaslFailure, or with what `failureOf` makes one of. */
  begin(stream: Stream, mechanism: string, initial: string | undefined): Maybe<Outcome>
  respond(stream: Stream, response: string): Maybe<Outcome>
  abort(stream: Stream): SaslFailure
  /** For refusals outside of the mechanisms. */
  refuse(stream: Stream, condition: SaslCondition, text?: string): SaslFailure
  /** The channel of the stream, for what is tied to it (RFC 5056). */
  channelBinding(stream: Stream, type: ChannelBindingType): Buffer | undefined
  /** Who has proved to be whom, as an address. */
  accepted(stream: Stream, username: string, mechanism: string): Jid
  /**
   * What to answer to somebody who has failed, once it may be answered:
   * guessing is slow. `isLast` means that the stream has to be closed behind it.
   */
  failed(stream: Stream, error: unknown): Promise<{ readonly failure: SaslFailure; readonly isLast: boolean }>
}

declare module '../server/host/module.ts' {
  interface Services {
    saslauth: Logins
  }
}

export default defineModule({
  name: 'saslauth',
  about: 'lets clients log in',
  rfcs: [6120, 5802, 7677, 4616, 5929, 9266],
  xeps: { 440: '1.0.0', 474: '0.5.0', 178: '1.2', 175: '1.2' },
  on: ['local'],
  depends: ['accounts'],
  config: {
    disabled_mechanisms: t.list(t.string()).default([]).describe('Mechanisms that are never offered, such as PLAIN.'),
  },
  stores: { secrets: keyval<string>('saslauth') },

  async setup(host, { config, stores }) {
    const fakeSecret = await secretOf(stores.secrets, host.random)
    const attempts = new LoginAttempts(host.clock)
    const logins = new WeakMap<Stream, Login>()
    const accounts = host.service('accounts')
    const allowed = accounts.anonymous
      ? [anonymous]
      : MECHANISMS.filter(({ name }) => !config.disabled_mechanisms.includes(name.replace(/-PLUS$/, '')))
    const offers = new Offers(allowed)

    host.streamFeature({
      needs: [],
      forbids: ['authenticated'],
      offer: (stream) => (stream.needsTls ? undefined : loginOf(stream).offer.mechanismsFeature),
    })

    // XEP-0440: which channel bindings the -PLUS mechanisms can use.
    host.streamFeature({
      needs: ['secure'],
      forbids: ['authenticated'],
      offer: (stream) => loginOf(stream).offer.bindingsFeature,
    })

    const service: Logins = {
      offer: (stream) => loginOf(stream).offer,

      begin(stream, mechanism, initial) {
        checkBeginning(stream)
        return negotiatorOf(stream).begin(mechanism, initial)
      },

      respond: (stream, response) => negotiatorOf(stream).respond(response),
      abort: (stream) => negotiatorOf(stream).abort(),

      refuse(stream, condition, text) {
        return negotiatorOf(stream).refuse(condition, text)
      },

      channelBinding: ({ transport: { secure } }, type) => secure && channelBinding(secure, type),

      accepted(stream, username, mechanism) {
        logins.delete(stream)
        const jid = host.jid.withNode(username)
        host.log.info('client logged in', { jid: jid.full, mechanism, peer: stream.transport.address })
        return jid
      },

      failed,
    }

    host.nonza({ ns: NS.sasl, name: 'auth' }, (stream, auth) =>
      answer(stream, () => service.begin(stream, auth.attrs['mechanism'] ?? '', auth.getText() || undefined)),
    )

    host.nonza({ ns: NS.sasl, name: 'response' }, (stream, response) =>
      answer(stream, () => service.respond(stream, response.getText())),
    )

    host.nonza({ ns: NS.sasl, name: 'abort' }, (stream) =>
      answer(stream, () => {
        throw service.abort(stream)
      }),
    )

    return service

    function checkBeginning(stream: Stream): void {
      if (stream.needsTls) throw service.refuse(stream, 'encryption-required')
      const { address, local } = stream.transport
      if (!local && attempts.blockedMilliseconds(address) > 0) {
        throw service.refuse(stream, 'temporary-auth-failure', 'Too many logins have failed from your address')
      }
    }

    /** Takes a step of a login; whoever has logged in has no more steps to take (RFC 6120 §4.9.3.12). */
    function answer(stream: Stream, step: () => Maybe<Outcome>): Maybe<void> {
      if (stream.facts.has('authenticated')) throw new StreamError('not-authorized', 'You have logged in already')
      try {
        const outcome = step()
        if (!isPending(outcome)) return take(stream, outcome)
        return outcome.then(
          (late) => take(stream, late),
          (error: unknown) => refuse(stream, error),
        )
      } catch (error) {
        return refuse(stream, error)
      }
    }

    function take(stream: Stream, outcome: Outcome): void {
      if (outcome.kind === 'challenge') {
        stream.send(xml('challenge', { xmlns: NS.sasl }, outcome.data))
        return
      }
      const { identity, mechanism, data } = outcome
      stream.send(xml('success', { xmlns: NS.sasl }, data))
      stream.authenticate(service.accepted(stream, identity.username, mechanism))
    }

    async function refuse(stream: Stream, error: unknown): Promise<void> {
      const { failure, isLast } = await failed(stream, error)
      stream.send(failureElement(failure.condition, failure.text))
      if (isLast) throw new StreamError('policy-violation', 'Too many failed logins')
    }

    /** Guessing is slow, and ends: after five failures on a stream, and after some more from one address (RFC 6120 §6.4.5). */
    async function failed(stream: Stream, error: unknown) {
      const failure = asFailure(error)
      const { condition } = failure
      const { address, local } = stream.transport
      const counts = condition === 'not-authorized' && !local
      const delay = counts ? attempts.failed(address) : 0
      if (delay > 0) await new Promise<void>((resolve) => host.clock.after(delay, resolve))
      host.log.info('login failed', { peer: address, reason: condition })
      return { failure, isLast: loginOf(stream).negotiator?.exhausted ?? false }
    }

    function negotiatorOf(stream: Stream): SaslNegotiator {
      const login = loginOf(stream)
      return (login.negotiator ??= new SaslNegotiator(allowed, environmentOf(stream), login.offer))
    }

    function loginOf(stream: Stream): Login {
      const begun = logins.get(stream)
      const isSecure = stream.facts.has('secure')
      // What was offered on the plain wire does not hold for the one that TLS has made of it.
      if (begun !== undefined && begun.isSecure === isSecure) return begun
      const login = { isSecure, offer: offers.for(groundOf(stream)) }
      logins.set(stream, login)
      return login
    }

    function groundOf({ transport }: Stream): OfferGround {
      const { secure: channel, local, encrypted } = transport
      const peerCertificate = channel?.peerCertificate
      return {
        host: host.domain,
        parseJid,
        secure: encrypted || local,
        bindingTypes: channel === undefined ? [] : bindingTypes(channel),
        ...(peerCertificate && { peerCertificate }),
      }
    }

    function environmentOf(stream: Stream): SaslEnvironment {
      const { secure: channel } = stream.transport
      return {
        ...groundOf(stream),
        lookup: (username) => accounts.get(username),
        channelBinding: (type) => channel && channelBinding(channel, type),
        random: host.random,
        pbkdf2: host.pbkdf2,
        fakeSecret,
      }
    }

    function parseJid(address: string) {
      try {
        return host.parseJid(address)
      } catch (error) {
        if (error instanceof JidError) return undefined
        throw error
      }
    }
  },
})

/** The same for as long as the host exists, so that unknown users look the same after a restart. */
async function secretOf(secrets: KeyvalStore<string>, random: Random): Promise<Buffer> {
  const kept = await secrets.get('')
  if (kept !== undefined) return Buffer.from(kept, 'base64')
  const made = random.bytes(32)
  await secrets.set('', made.toString('base64'))
  return made
}

/** Offers, made once for each of the few situations in which most streams are. */
class Offers {
  readonly #known: readonly Mechanism[]
  readonly #made = new Map<string, ShownOffer>()

  constructor(known: readonly Mechanism[]) {
    this.#known = known
  }

  for(ground: OfferGround): ShownOffer {
    // What is offered to one certificate is offered to nobody else.
    if (ground.peerCertificate !== undefined) return show(makeOffer(this.#known, ground))
    const situation = `${ground.secure} ${ground.bindingTypes.join(' ')}`
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
    mechanismsFeature: written('mechanisms', NS.sasl, mechanisms),
    bindingsFeature: written('sasl-channel-binding', NS_BINDINGS, bindings),
  }
}

/** An element that is written once and sent to many; undefined if there is nothing to say. */
function written(name: string, ns: string, children: readonly Element[]): Element | undefined {
  if (children.length === 0) return undefined
  return rawElement(name, ns, xml(name, { xmlns: ns }, ...children).toString())
}

function failureElement(condition: string, text: string | undefined): Element {
  return xml(
    'failure',
    { xmlns: NS.sasl },
    xml(condition, {}),
    text !== undefined && xml('text', { 'xml:lang': 'en' }, text),
  )
}

/** What is not a refusal is a fault of ours: the stream reports it. */
function asFailure(error: unknown): SaslFailure {
  if (error instanceof SaslFailure) return error
  if (error instanceof HashingBusy)
    return new SaslFailure('temporary-auth-failure', 'Try again later', { cause: error })
  throw error
}
