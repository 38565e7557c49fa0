/** RFC 6120 §6: logging in with SASL. */
import { LoginAttempts } from '../server/auth/attempts.ts'
import { HashingBusy } from '../server/auth/pbkdf2.ts'
import { anonymous } from '../server/auth/sasl/anonymous.ts'
import { bindingTypes, channelBinding } from '../server/auth/sasl/channel-binding.ts'
import { external } from '../server/auth/sasl/external.ts'
import type { Mechanism, SaslEnvironment } from '../server/auth/sasl/mechanism.ts'
import { type Outcome, SaslNegotiator } from '../server/auth/sasl/negotiator.ts'
import { plain } from '../server/auth/sasl/plain.ts'
import { SaslFailure } from '../server/auth/sasl/sasl-failure.ts'
import { scram } from '../server/auth/sasl/scram.ts'
import { t } from '../server/config/types.ts'
import { defineModule } from '../server/host/module.ts'
import { JidError } from '../server/jid/jid.ts'
import type { Stream } from '../server/stream/stream.ts'
import { StreamError } from '../server/stream/stream-error.ts'
import { type Element, xml } from '../server/xml/element.ts'
import { NS } from '../server/xml/ns.ts'
import { keyval } from '../storage/store.ts'

const NS_BINDINGS = 'urn:xmpp:sasl-cb:0'
const known: readonly Mechanism[] = [...scram, plain, external]

export default defineModule({
  name: 'saslauth',
  about: 'lets clients log in',
  rfcs: [6120, 5802, 7677, 4616, 5929, 9266],
  xeps: { 440: '1.0.0', 178: '1.2', 175: '1.2' },
  on: ['local'],
  depends: ['accounts'],
  config: {
    disabled_mechanisms: t.list(t.string()).default([]).describe('Mechanisms that are never offered, such as PLAIN.'),
  },
  stores: { secrets: keyval<string>('saslauth') },

  async setup(host, { config, stores }) {
    const fakeSecret = await secret()
    const attempts = new LoginAttempts(host.clock)
    const negotiators = new WeakMap<Stream, { readonly negotiator: SaslNegotiator; readonly secure: boolean }>()
    const accounts = host.service('accounts')
    const allowed = accounts.anonymous
      ? [anonymous]
      : known.filter(({ name }) => !config.disabled_mechanisms.includes(name.replace(/-PLUS$/, '')))

    host.streamFeature({
      needs: [],
      forbids: ['authenticated'],
      offer(stream) {
        const { mechanisms } = negotiatorOf(stream)
        if (stream.needsTls || mechanisms.length === 0) return undefined
        return xml('mechanisms', { xmlns: NS.sasl }, ...mechanisms.map((name) => xml('mechanism', {}, name)))
      },
    })

    // XEP-0440: which channel bindings the -PLUS mechanisms can use.
    host.streamFeature({
      needs: ['secure'],
      forbids: ['authenticated'],
      offer(stream) {
        const types = negotiatorOf(stream).bindingTypes
        if (types.length === 0) return undefined
        const offered = types.map((type) => xml('channel-binding', { type }))
        return xml('sasl-channel-binding', { xmlns: NS_BINDINGS }, ...offered)
      },
    })

    host.nonza({ ns: NS.sasl, name: 'auth' }, (stream, auth) =>
      answer(stream, () => {
        if (stream.needsTls) throw new SaslFailure('encryption-required')
        const { address, local } = stream.transport
        if (!local && attempts.blockedMilliseconds(address) > 0) {
          throw new SaslFailure('temporary-auth-failure', 'Too many logins have failed from your address')
        }
        return negotiatorOf(stream).begin(auth.attrs['mechanism'] ?? '', auth.getText() || undefined)
      }),
    )

    host.nonza({ ns: NS.sasl, name: 'response' }, (stream, response) =>
      answer(stream, () => negotiatorOf(stream).respond(response.getText())),
    )

    host.nonza({ ns: NS.sasl, name: 'abort' }, (stream) =>
      answer(stream, () => {
        throw negotiatorOf(stream).abort()
      }),
    )

    async function answer(stream: Stream, step: () => Outcome | Promise<Outcome>): Promise<void> {
      try {
        take(stream, await step())
      } catch (error) {
        await refuse(stream, asFailure(error))
      }
    }

    function take(stream: Stream, outcome: Outcome): void {
      if (outcome.kind === 'challenge') {
        stream.send(xml('challenge', { xmlns: NS.sasl }, outcome.data))
        return
      }
      const { identity, mechanism, data } = outcome
      stream.send(xml('success', { xmlns: NS.sasl }, data))
      stream.authenticate(host.jid.withNode(identity.username))
      host.log.info('client logged in', { jid: stream.identity?.full, mechanism, peer: stream.transport.address })
    }

    /** Guessing is slow, and ends: after five failures on a stream, and after some more from one address (RFC 6120 §6.4.5). */
    async function refuse(stream: Stream, { condition, text }: SaslFailure): Promise<void> {
      const { address, local } = stream.transport
      const counts = condition === 'not-authorized' && !local
      const delay = counts ? attempts.failed(address) : 0
      if (delay > 0) await new Promise<void>((resolve) => host.clock.after(delay, resolve))
      host.log.info('login failed', { peer: address, reason: condition })
      stream.send(failureElement(condition, text))
      if (negotiatorOf(stream).exhausted) throw new StreamError('policy-violation', 'Too many failed logins')
    }

    function negotiatorOf(stream: Stream): SaslNegotiator {
      const begun = negotiators.get(stream)
      // What was offered on the plain wire does not hold for the one that TLS has made of it.
      if (begun !== undefined && begun.secure === stream.facts.has('secure')) return begun.negotiator
      const negotiator = new SaslNegotiator(allowed, environmentOf(stream))
      negotiators.set(stream, { negotiator, secure: stream.facts.has('secure') })
      return negotiator
    }

    function environmentOf({ transport }: Stream): SaslEnvironment {
      const { secure: channel, local } = transport
      return {
        host: host.domain,
        parseJid,
        lookup: (username) => accounts.get(username),
        secure: channel !== undefined || local,
        bindingTypes: channel === undefined ? [] : bindingTypes(channel),
        channelBinding: (type) => channel && channelBinding(channel, type),
        ...(channel?.peerCertificate && { peerCertificate: channel.peerCertificate }),
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

    /** The same for as long as the host exists, so that unknown users look the same after a restart. */
    async function secret(): Promise<Buffer> {
      const kept = await stores.secrets.get('')
      if (kept !== undefined) return Buffer.from(kept, 'base64')
      const made = host.random.bytes(32)
      await stores.secrets.set('', made.toString('base64'))
      return made
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
  if (error instanceof HashingBusy)
    return new SaslFailure('temporary-auth-failure', 'Try again later', { cause: error })
  throw error
}
