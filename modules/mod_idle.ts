/** Clients that have gone without a word: asked whether they are still there, and let go if they are not (XEP-0199 §4.2). */
import { defineModule } from '../server/host/module.ts'
import { t } from '../server/config/types.ts'
import type { ClientSession } from '../server/session/client-session.ts'
import { StreamError } from '../server/stream/stream-error.ts'
import { iq } from '../server/xml/build.ts'
import { xml } from '../server/xml/element.ts'
import { NS } from '../server/xml/ns.ts'

declare module '../server/host/module.ts' {
  interface Services {
    idle: {
      /** Seconds without a word after which a client is asked whether it is still there; undefined if none ever is. */
      readonly pingAfter: number | undefined
    }
  }
}

/** How often we look who has been silent, as a part of the time that one may be. */
const LOOKS = 5

export default defineModule({
  name: 'idle',
  about: 'finds out whose connection is dead',
  xeps: { 199: '2.0.1' },
  on: ['local'],
  config: {
    ping_after: t.duration({ min: 10 }).default(300).describe('A client that is silent for so long is pinged.'),
    ping_timeout: t.duration({ min: 1 }).default(60).describe('How long it may take to answer.'),
  },

  setup(host, { config }) {
    if (config.ping_after === Infinity) return { pingAfter: undefined }
    const after = config.ping_after * 1000
    const pinged = host.slot('pinged', () => ({ at: 0 }))
    host.use(host.clock.every(after / LOOKS, look))
    return { pingAfter: config.ping_after }

    /** One timer for all clients: each has its turn within a fifth of the time. */
    function look(): void {
      const now = host.clock.now()
      for (const { sessions } of host.accounts) for (const session of sessions) check(session, now)
    }

    function check(session: ClientSession, now: number): void {
      const { stream } = session
      if (stream === undefined || now - stream.heardAt < after) return
      const ping = pinged(session)
      if (ping.at < stream.heardAt) {
        ping.at = now
        session.send(
          iq(
            { type: 'get', from: host.domain, to: session.jid.full, id: host.random.id() },
            xml('ping', { xmlns: NS.ping }),
          ),
        )
        host.after(config.ping_timeout, 'wait for a pong', () => giveUp(session, ping.at))
      }
    }

    function giveUp(session: ClientSession, pingedAt: number): void {
      const { stream } = session
      if (stream === undefined || stream.heardAt >= pingedAt) return
      stream.close(new StreamError('connection-timeout', 'No answer to a ping'))
      stream.transport.destroy()
    }
  },
})
