/** XEP-0160: messages for those who are not there. */
import { t } from '../server/config/types.ts'
import { defineModule } from '../server/host/module.ts'
import { handled, type Handled, type StanzaEvent } from '../server/routed-stanza.ts'
import type { ClientSession } from '../server/session/client-session.ts'
import { StanzaError } from '../server/stanza-error.ts'
import { isCarbon } from '../server/protocol/carbon.ts'
import { delayElement, withoutDelaysFrom } from '../server/protocol/delay.ts'
import { stanzaIdBy } from '../server/protocol/stanza-id.ts'
import { NS } from '../server/xml/ns.ts'
import { type ChildRef, Stanza } from '../server/xml/stanza.ts'
import { archive } from '../storage/store.ts'

/** Messages read from storage at once when somebody comes back. */
const PAGE = 50

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
    const catchingUp = host.slot('catching-up', () => ({ fromArchive: false }))
    /** Accounts to which messages are being delivered that were kept: what is new has to wait its turn. */
    const delivering = new Map<string, Promise<void>>()

    host.on('incoming/message', ({ to }) => delivering.get(to.node ?? '')?.then(() => undefined), 'guard')
    host.on('incoming/message', (event) => (isForAccount(event) ? keep(event) : undefined), 'fallback')
    host.on('session/undelivered', ({ session, stanza }) => rescue(session, stanza), 'fallback')
    host.on('presence/receptive', ({ session }) => host.spawn('deliver what was kept', () => deliver(session)))
    host.on('session/reads-archive', ({ session }) => {
      catchingUp(session).fromArchive = true
    })
    host.every('day', 'expire kept messages', async () => {
      if (config.expire_after === Infinity) return
      const end = new Date(host.clock.now() - config.expire_after * 1000)
      const count = await messages.remove(undefined, { end })
      host.log.info('kept messages expired', { count })
    })

    async function keep(event: StanzaEvent): Promise<Handled | undefined> {
      const { stanza, to } = event
      const node = to.node ?? ''
      if (!(await host.service('accounts').exists(node))) throw new StanzaError('service-unavailable')
      // Whoever hears nothing believes that it has arrived, so only what nobody reads is dropped in silence.
      if (!isWorthKeeping(stanza)) return stanza.has('body') ? undefined : handled
      if ((await messages.count(node, {})) >= config.max_messages) {
        throw new StanzaError('service-unavailable', 'Too many messages wait already')
      }
      // Its addressee may have come while we looked: then it is too late to keep it for later.
      const { receptive } = host.account(to.bare) ?? { receptive: [] }
      if (receptive.length > 0) {
        await delivering.get(node)
        for (const session of receptive) session.send(stanza)
        return handled
      }
      const stored = store(node, stanza, event.from.bare)
      event.settles(stored)
      await stored
      return handled
    }

    function store(node: string, stanza: Stanza, from: string): Promise<void> {
      const now = new Date(host.clock.now())
      const kept = withoutDelaysFrom(stanza, host.domain).append(delayElement(now, host.domain))
      return messages.append(node, { when: now, with: from, stanza: kept.toString() }).stored
    }

    /** What a client was sent and has never acknowledged: for the account's other clients, or for later (XEP-0198 §4). */
    async function rescue({ account, priority }: ClientSession, stanza: Stanza): Promise<Handled | undefined> {
      if (stanza.name !== 'message' || !isForAccount({ stanza, to: account.jid })) return undefined
      if (!isWorthKeeping(stanza)) return handled
      const { receptive } = account
      const highest = Math.max(...receptive.map((session) => session.priority))
      // Those of the same priority have got what went to the bare JID.
      if (receptive.length > 0 && stanza.to === account.jid.bare && highest >= priority) return handled
      for (const session of receptive) if (session.priority === highest) session.send(stanza)
      if (receptive.length === 0)
        await store(account.jid.node ?? '', stanza, host.parseJid(stanza.from ?? host.domain).bare)
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

    /** In the order in which they came. A message is forgotten once it has been handed to the client. */
    async function deliverAll(node: string, session: ClientSession): Promise<void> {
      for (;;) {
        const page = await messages.find(node, { limit: PAGE })
        const sent = page.filter(({ stanza }) => hand(Stanza.parse(stanza), session))
        if (sent.length > 0) await messages.remove(node, { ids: sent.map(({ id }) => id) })
        if (sent.length === 0 || sent.length < page.length) return
      }
    }

    /** Who catches up from the archive need not be sent what is there (XEP-0386 §3.2). */
    function hand(stanza: Stanza, session: ClientSession): boolean {
      const isArchived = stanzaIdBy(stanza, session.account.jid.bare) !== undefined
      return (isArchived && catchingUp(session).fromArchive) || session.send(stanza)
    }
  },
})

/** Which types of messages wait for their addressee (XEP-0160 §3). */
function isForAccount({ stanza: { type }, to }: Pick<StanzaEvent, 'stanza' | 'to'>): boolean {
  // A type that nobody knows means the same as `normal` (RFC 6121 §5.2.2).
  return to.node !== undefined && type !== 'headline' && type !== 'groupchat' && type !== 'error'
}

/**
 * Not if its sender does not want that (XEP-0334 §4.2), if it only says that somebody is typing (XEP-0160 §3), or if it
 * is a copy of what another client of the account has got or sent (XEP-0280).
 */
function isWorthKeeping(stanza: Stanza): boolean {
  if (stanza.has('no-store', NS.hints) || stanza.refs.some(isCarbon)) return false
  const isNews = ({ ns, name }: ChildRef): boolean => ns !== NS.chatStates && !(ns === NS.client && name === 'thread')
  return stanza.type !== 'chat' || stanza.refs.some(isNews)
}
