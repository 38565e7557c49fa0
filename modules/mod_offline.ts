/** XEP-0160: messages for those who are not there. */
import { t } from '../server/config/types.ts'
import { defineModule } from '../server/host/module.ts'
import { handled, type Handled, type StanzaEvent } from '../server/routed-stanza.ts'
import type { ClientSession } from '../server/session/client-session.ts'
import { StanzaError } from '../server/stanza-error.ts'
import { delayElement } from '../server/protocol/delay.ts'
import { NS } from '../server/xml/ns.ts'
import { Stanza } from '../server/xml/stanza.ts'
import { archive } from '../storage/store.ts'

/** Messages read from storage at once when somebody comes back. */
const PAGE = 50

export default defineModule({
  name: 'offline',
  about: 'keeps messages until their addressee is back',
  xeps: { 160: '1.0.1' },
  on: ['local'],
  depends: ['accounts'],
  config: {
    max_messages: t
      .integer({ min: 0 })
      .default(1000)
      .describe('Messages kept for an account; further ones are refused.'),
    expire_after: t.duration().default(Infinity).describe('How long they are kept.'),
  },
  stores: { messages: archive('offline') },

  setup(host, { config, stores: { messages } }) {
    host.feature('msgoffline')
    host.on('incoming/message', (event) => (isKept(event) ? keep(event) : undefined), 'fallback')
    host.on('presence/receptive', ({ session }) => host.spawn('deliver what was kept', () => deliver(session)))
    /** Two clients that come back at once must not both get a message. */
    const delivering = new Set<string>()
    host.every('day', 'expire kept messages', async () => {
      if (config.expire_after === Infinity) return
      const end = new Date(host.clock.now() - config.expire_after * 1000)
      const count = await messages.remove(undefined, { end })
      host.log.info('kept messages expired', { count })
    })

    async function keep(event: StanzaEvent): Promise<Handled> {
      const node = event.to.node ?? ''
      if (!(await host.service('accounts').exists(node))) throw new StanzaError('service-unavailable')
      // Its addressee may have come while we looked: then it is too late to keep it for later.
      const { receptive } = host.account(event.to.bare) ?? { receptive: [] }
      if (receptive.length > 0) {
        for (const session of receptive) session.send(event.stanza)
        return handled
      }
      if ((await messages.count(node, {})) >= config.max_messages) {
        throw new StanzaError('service-unavailable', 'Too many messages wait already')
      }
      const now = new Date(host.clock.now())
      const stanza = event.stanza.append(delayElement(now, host.domain, 'Offline storage'))
      const { stored } = messages.append(node, { when: now, with: event.from.bare, stanza: stanza.toString() })
      event.settles(stored)
      await stored
      return handled
    }

    /** In the order in which they came. A message is forgotten once it has been handed to the client. */
    async function deliver(session: ClientSession): Promise<void> {
      const node = session.jid.node ?? ''
      if (delivering.has(node)) return
      delivering.add(node)
      try {
        for (;;) {
          const page = await messages.find(node, { limit: PAGE })
          if (page.length === 0 || session.stream === undefined) return
          for (const { stanza } of page) session.send(Stanza.parse(stanza))
          await messages.remove(node, { ids: page.map(({ id }) => id) })
        }
      } finally {
        delivering.delete(node)
      }
    }
  },
})

/** Which messages are worth keeping (XEP-0160 §3). */
function isKept({ stanza, to }: StanzaEvent): boolean {
  if (to.node === undefined || stanza.has('no-store', NS.hints)) return false
  const { type } = stanza
  if (type === 'headline' || type === 'groupchat' || type === 'error') return false
  // A type that nobody knows means the same as `normal` (RFC 6121 §5.2.2).
  if (type !== 'chat') return true
  // A chat message that only says that somebody is typing is of no use later.
  return !stanza.refs.every(({ ns, name }) => ns === NS.chatStates || (ns === NS.client && name === 'thread'))
}
