/** XEP-0114: Jabber Component Protocol. A host that is another program: a gateway, a bot. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { LoginAttempts } from '../server/auth/attempts.ts'
import type { Secret } from '../server/config/secret.ts'
import { t } from '../server/config/types.ts'
import { defineModule } from '../server/host/module.ts'
import { handled, type Handled, type StanzaEvent } from '../server/routed-stanza.ts'
import { StanzaError } from '../server/stanza-error.ts'
import { StreamError } from '../server/stream/stream-error.ts'
import type { Stream } from '../server/stream/stream.ts'
import type { Maybe } from '../server/util/maybe.ts'
import { iq } from '../server/xml/build.ts'
import { type Element, xml } from '../server/xml/element.ts'
import { NS } from '../server/xml/ns.ts'

/** A program that starts again and again with a wrong secret must not wait for long once that is corrected. */
const ATTEMPTS_SECONDS = 300

/** How long it may take to answer a ping. */
const PONG_SECONDS = 60

/** How often we look whether the program has been silent, as a part of the time that it may be. */
const LOOKS = 5

export default defineModule({
  name: 'component',
  about: 'lets another program, such as a gateway, speak for a domain',
  xeps: { 114: '1.6' },
  on: [],
  config: {
    secret: t.secret().describe('What the program has to know.'),
    conflict: t
      .oneOf('replace', 'refuse')
      .default('replace')
      .describe('What happens to a second connection: it replaces the first, or is refused.'),
    ping_after: t
      .duration({ min: 10 })
      .default(300)
      .describe('A program that is silent for so long is pinged; if it does not answer in a minute, it is let go.'),
  },

  setup(host, { config }) {
    let pingedAt = 0
    const attempts = new LoginAttempts(host.clock, { windowSeconds: ATTEMPTS_SECONDS })
    for (const name of ['message', 'presence', 'iq'] as const) host.on(`incoming/${name}`, passOn)
    host.nonza({ ns: NS.component, name: 'handshake' }, shakeHands)
    host.on('component/disconnected', () => host.log.info('component disconnected', { jid: host.domain }))
    if (config.ping_after !== Infinity) host.use(host.clock.every((config.ping_after * 1000) / LOOKS, look))
    dropIfSecretChanged()

    function passOn({ stanza }: StanzaEvent): Handled {
      if (host.component?.send(stanza) === true) return handled
      // It may be back soon; and that is what other servers say.
      throw new StanzaError('remote-server-timeout', 'The component is not connected', { by: host.domain })
    }

    function shakeHands(stream: Stream, handshake: Element): Maybe<void> {
      if (stream.facts.has('authenticated')) throw new StreamError('not-authorized', 'There was a handshake already')
      const { address } = stream.transport
      if (attempts.blockedMilliseconds(address) > 0) {
        throw new StreamError('policy-violation', 'Too many handshakes have failed from your address')
      }
      const proof = handshake.getText().trim()
      if (!isProof(proof, stream.id, config.secret)) return refuse(address)
      if (config.conflict === 'refuse' && host.component?.stream.closed === false) {
        throw new StreamError('conflict', 'The component is connected already')
      }
      stream.send(xml('handshake', { xmlns: NS.component }))
      host.bindComponent(stream, proof)
      host.log.info('component connected', { jid: host.domain, peer: address })
      return undefined
    }

    /** Guessing is slow. */
    async function refuse(address: string): Promise<never> {
      host.log.warn('component refused: wrong secret', { jid: host.domain, peer: address })
      const delay = attempts.failed(address)
      if (delay > 0) await new Promise<void>((resolve) => void host.clock.after(delay, resolve))
      throw new StreamError('not-authorized', 'Wrong secret')
    }

    /** A connection outlives new options, but not the secret that it was made with. */
    function dropIfSecretChanged(): void {
      const { component } = host
      if (component === undefined || isProof(component.proof, component.stream.id, config.secret)) return
      component.stream.close(new StreamError('reset', 'There is a new secret'))
    }

    /** XEP-0199 §4.2; what is silent may be a dead connection, or one that a router in between is about to forget. */
    function look(): void {
      const stream = host.component?.stream
      const now = host.clock.now()
      if (stream === undefined || now - stream.heardAt < config.ping_after * 1000 || pingedAt > stream.heardAt) return
      pingedAt = now
      const ours = host.siblings('local')
      const from = ours.find((domain) => host.domain.endsWith(`.${domain}`)) ?? ours[0] ?? host.domain
      stream.send(iq({ type: 'get', from, to: host.domain, id: host.random.id() }, xml('ping', { xmlns: NS.ping })))
      host.after(PONG_SECONDS, 'wait for a pong', () => giveUp(stream, now))
    }

    /** Any answer will do, and any other word. */
    function giveUp(stream: Stream, since: number): void {
      if (stream.heardAt >= since || stream.closed) return
      stream.close(new StreamError('connection-timeout', 'No answer to a ping'))
      stream.transport.destroy()
    }
  },
})

/** Whether that is the hash of the stream's id and the secret, in hexadecimal (§3). Takes the same time whatever was sent. */
function isProof(proof: string, streamId: string, secret: Secret): boolean {
  const expected = Buffer.from(createHash('sha1').update(streamId).update(secret.reveal()).digest('hex'))
  const sent = Buffer.from(proof)
  return sent.length === expected.length && timingSafeEqual(sent, expected)
}
