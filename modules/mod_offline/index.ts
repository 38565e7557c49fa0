/** XEP-0160: messages for those who are not there. */
import { t } from '../../server/config/types.ts'
import { defineModule } from '../../server/host/module.ts'
import { stanzaIdBy } from '../../server/protocol/stanza-id.ts'
import { handled, type Handled, type StanzaEvent } from '../../server/routed-stanza.ts'
import type { ClientSession } from '../../server/session/client-session.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import type { Jid } from '../../server/jid/jid.ts'
import type { Maybe } from '../../server/util/maybe.ts'
import { Stanza } from '../../server/xml/stanza.ts'
import { archive } from '../../storage/store.ts'
import { Backlog } from './backlog.ts'
import { Safekeeping } from './safekeeping.ts'
import { isForAccount, isWorthKeeping } from './worth.ts'

export default defineModule({
  name: 'offline',
  about: 'keeps messages until their addressee is back',
  xeps: { 160: '1.0.1', 203: '2.0', 334: '1.0.0' },
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
    const catchingUp = host.lastingSlot('catching-up', () => ({ fromArchive: false }))
    const backlog = new Backlog(host, messages)
    const safekeeping = new Safekeeping(host, backlog, (session) => catchingUp(session).fromArchive)
    /** Accounts to which messages are being delivered that were kept: what is new has to wait its turn. */
    const delivering = new Map<string, Promise<void>>()

    host.on('message/expected', ({ to }) => prepare(to))
    host.on('incoming/message', ({ to }) => delivering.get(to.node ?? '')?.then(() => undefined), 'guard')
    host.on('incoming/message', (event) => (isForAccount(event) ? keep(event) : undefined), 'fallback')
    host.on('presence/receptive', ({ session }) => host.spawn('deliver what was kept', () => deliver(session)))
    host.on('session/reads-archive', ({ session }) => {
      catchingUp(session).fromArchive = true
    })
    host.on('account/removed', ({ node }) => backlog.forget(node))
    host.every('day', 'expire kept messages', async () => {
      if (config.expire_after === Infinity) return
      const gone = await backlog.expire(new Date(host.clock.now() - config.expire_after * 1000))
      host.log.info('kept messages expired', { count: gone })
    })

    /** What has to be waited for is waited for before anything of the message is stored. */
    function prepare({ bare, node = '' }: Jid): Maybe<undefined> {
      const isThere = (host.account(bare)?.receptive.length ?? 0) > 0
      return isThere ? delivering.get(node)?.then(() => undefined) : count(node)
    }

    async function count(node: string): Promise<undefined> {
      if (await host.service('accounts').exists(node)) await backlog.count(node)
    }

    async function keep(event: StanzaEvent): Promise<Handled | undefined> {
      const { stanza, to } = event
      const node = to.node ?? ''
      if (!(await host.service('accounts').exists(node))) throw new StanzaError('service-unavailable')
      // Whoever hears nothing believes that it has arrived, so only what nobody reads is dropped in silence.
      if (!isWorthKeeping(stanza)) return stanza.has('body') ? undefined : handled
      if ((await backlog.count(node)) >= config.max_messages) {
        throw new StanzaError('service-unavailable', 'Too many messages wait already')
      }
      // Its addressee may have come while we looked: then it is too late to keep it for later.
      const { receptive } = host.account(to.bare) ?? { receptive: [] }
      if (receptive.length > 0) {
        await delivering.get(node)
        for (const session of receptive) session.send(stanza)
        return handled
      }
      event.settles(safekeeping.store(node, stanza, event.from.bare).stored, 'or refuse')
      return handled
    }

    /** Two clients that come back at once do not both get a message: the first of them does. */
    async function deliver(session: ClientSession): Promise<void> {
      const node = session.jid.node ?? ''
      if (delivering.has(node)) return
      const done = deliverAll(node, session).finally(() => delivering.delete(node))
      delivering.set(
        node,
        done.catch(() => {}),
      )
      await done
    }

    /** In the order in which they came. */
    async function deliverAll(node: string, session: ClientSession): Promise<void> {
      for await (const page of backlog.pages(node)) {
        for (const { id, stanza } of page) {
          if (!safekeeping.isHeld(node, id) && !hand(id, Stanza.parse(stanza), session)) return
        }
      }
    }

    /** Who catches up from the archive need not be sent what is there (XEP-0386 §3.2). */
    function hand(id: string, stanza: Stanza, session: ClientSession): boolean {
      const isArchived = stanzaIdBy(stanza, session.account.jid.bare) !== undefined
      if (!isArchived || !catchingUp(session).fromArchive) return safekeeping.offer(session, id, stanza)
      backlog.remove(session.jid.node ?? '', id)
      return true
    }
  },
})
