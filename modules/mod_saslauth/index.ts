/** RFC 6120 §6: logging in with SASL. */
import { LoginAttempts } from '../../server/auth/attempts.ts'
import type { HashName } from '../../server/auth/digest.ts'
import { lastingSecret } from '../../server/auth/lasting-secret.ts'
import { HashingBusy } from '../../server/auth/pbkdf2.ts'
import { anonymous } from '../../server/auth/sasl/anonymous.ts'
import { channelBinding, type ChannelBindingType } from '../../server/auth/sasl/channel-binding.ts'
import { external } from '../../server/auth/sasl/external.ts'
import type { Mechanism } from '../../server/auth/sasl/mechanism.ts'
import { OAUTHBEARER } from '../../server/auth/sasl/oauthbearer.ts'
import type { Outcome } from '../../server/auth/sasl/negotiator.ts'
import type { Offer } from '../../server/auth/sasl/offer.ts'
import { plain } from '../../server/auth/sasl/plain.ts'
import { type SaslCondition, SaslFailure } from '../../server/auth/sasl/sasl-failure.ts'
import { scram } from '../../server/auth/sasl/scram.ts'
import { t } from '../../server/config/types.ts'
import type { Notice } from '../../server/host/hooks.ts'
import { defineModule } from '../../server/host/module.ts'
import type { Jid } from '../../server/jid/jid.ts'
import type { ClientSession } from '../../server/session/client-session.ts'
import type { Stream } from '../../server/stream/stream.ts'
import { StreamError } from '../../server/stream/stream-error.ts'
import { isPending, type Maybe } from '../../server/util/maybe.ts'
import { type Element, xml } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'
import { StorageError } from '../../storage/storage-error.ts'
import { keyval } from '../../storage/store.ts'
import { mechanismsOfSessions } from './mechanisms-of-sessions.ts'
import { OpenLogins } from './open-logins.ts'

const MECHANISMS: readonly Mechanism[] = [...scram, plain, external]

/** The logins of streams, for whoever speaks a profile of SASL. */
export interface Logins {
  /** What is offered on a stream as it is now. */
  offer(stream: Stream): Offer
  /** Throws SaslFailure if nobody may log in on the stream just now. */
  check(stream: Stream): void
  /** Throws or rejects with SaslFailure, or with what `failureOf` makes one of. */
  begin(stream: Stream, mechanism: string, initial: string | undefined): Maybe<Outcome>
  respond(stream: Stream, response: string): Maybe<Outcome>
  abort(stream: Stream): SaslFailure
  /** For refusals outside of the mechanisms. */
  refuse(stream: Stream, condition: SaslCondition, text?: string): SaslFailure
  /** The channel of the stream, for what is tied to it (RFC 5056). */
  channelBinding(stream: Stream, type: ChannelBindingType): Buffer | undefined
  /** With which mechanism the client of a session has logged in last; undefined if it did not log in here. */
  mechanismOf(session: ClientSession): string | undefined
  /** May a client do what concerns the security of its account (XEP-0493 §3, XEP-0494 §3.1)? Not with somebody else's grant. */
  isUnrestricted(session: ClientSession): boolean
  /** Who has proved to be whom, as an address. */
  accepted(stream: Stream, username: string, mechanism: string, client?: LoginClient): Jid
  /**
   * What to answer to somebody who has failed, once it may be answered:
   * guessing is slow. `isLast` means that the stream has to be closed behind it.
   */
  failed(stream: Stream, error: unknown): Promise<{ readonly failure: SaslFailure; readonly isLast: boolean }>
}

/** An installation of a client, as far as it says what it is (XEP-0388 §2.3). */
export interface LoginClient {
  /** A UUID, the same for as long as the client is installed. */
  readonly id: string | undefined
  readonly software: string | undefined
  readonly device: string | undefined
}

declare module '../../server/host/module.ts' {
  interface Services {
    saslauth: Logins
  }
}

declare module '../../server/host/provisions.ts' {
  interface Provisions {
    /** Another way to log in. */
    'sasl-mechanism': Mechanism
  }
}

declare module '../../server/host/events.ts' {
  interface HostHooks {
    /** Somebody has proved to be that account, and is about to hear so. */
    'login/accepted': Notice<{
      readonly node: string
      readonly stream: Stream
      readonly mechanism: string
      readonly client: LoginClient | undefined
    }>
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
    // Unknown users look the same after a restart.
    const fakeSecret = await lastingSecret(stores.secrets, host.random)
    const attempts = new LoginAttempts(host.clock)
    const accounts = host.service('accounts')
    const mechanisms = mechanismsOfSessions(host)
    const isAllowed = ({ name }: Mechanism): boolean => !config.disabled_mechanisms.includes(name.replace(/-PLUS$/, ''))
    const allowed = (): readonly Mechanism[] =>
      accounts.anonymous ? [anonymous] : [...MECHANISMS, ...host.items('sasl-mechanism')].filter(isAllowed)
    const logins = new OpenLogins(allowed(), {
      host: host.domain,
      hashesOf,
      lookup: (username) => accounts.get(username),
      parseJid: (address) => host.tryParseJid(address),
      random: host.random,
      pbkdf2: host.pbkdf2,
      fakeSecret,
    })

    host.each('sasl-mechanism', () => {
      logins.allow(allowed())
      return () => logins.allow(allowed())
    })

    host.streamFeature({
      needs: [],
      forbids: ['authenticated'],
      offer: (stream) => (stream.needsTls ? undefined : logins.offer(stream).mechanismsFeature),
    })

    // XEP-0440: which channel bindings the -PLUS mechanisms can use.
    host.streamFeature({
      needs: ['secure'],
      forbids: ['authenticated'],
      offer: (stream) => logins.offer(stream).bindingsFeature,
    })

    const service: Logins = {
      offer: (stream) => logins.offer(stream),
      check: checkBeginning,

      begin(stream, mechanism, initial) {
        checkBeginning(stream)
        return logins.negotiator(stream).begin(mechanism, initial)
      },

      respond: (stream, response) => logins.negotiator(stream).respond(response),
      abort: (stream) => logins.negotiator(stream).abort(),

      refuse(stream, condition, text) {
        return logins.negotiator(stream).refuse(condition, text)
      },

      channelBinding: ({ transport: { secure } }, type) => secure && channelBinding(secure, type),

      accepted(stream, username, mechanism, client) {
        logins.forget(stream)
        const jid = host.jid.withNode(username)
        host.log.info('client logged in', { jid: jid.full, mechanism, peer: stream.transport.address })
        mechanisms.note(stream, mechanism)
        host.announce('login/accepted', { node: username, stream, mechanism, client })
        return jid
      },

      mechanismOf: (session) => mechanisms.of(session),
      isUnrestricted: (session) => mechanisms.of(session) !== OAUTHBEARER,
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

    /** Of the account that the client says it is, or if it does not say (XEP-0388 §2.1). */
    function hashesOf(claimed: string | undefined): readonly HashName[] | undefined {
      const jid = claimed === undefined ? undefined : host.tryParseJid(claimed)
      return accounts.hashesOf(jid?.domain === host.domain ? jid.node : undefined)
    }

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
      return { failure, isLast: logins.negotiator(stream).exhausted }
    }
  },
})

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
  // RFC 6120 §6.5.11: it may be otherwise in a while.
  if (error instanceof HashingBusy || error instanceof StorageError)
    return new SaslFailure('temporary-auth-failure', 'Try again later', { cause: error })
  throw error
}
