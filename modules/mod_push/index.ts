/** XEP-0357: Push Notifications. Clients that sleep are woken up by the services of those who made them. */
import { t } from '../../server/config/types.ts'
import { defineModule } from '../../server/host/module.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import type { Element } from '../../server/xml/element.ts'
import { map } from '../../storage/store.ts'
import { setupCommands } from './commands.ts'
import type { News } from './news.ts'
import { AllOutlets } from './outlets.ts'
import { publicationOf, type Summary } from './publication.ts'
import { nodeIn, NS_PRIORITY, NS_PUSH, readEnable, type Registration } from './registration.ts'
import { setupWaking } from './waking.ts'

const DAY = 86_400

export default defineModule({
  name: 'push',
  about: 'wakes up clients that have gone to sleep',
  xeps: { 357: '0.4.1', 492: '0.2.0' },
  on: ['local'],
  depends: ['accounts'],
  config: {
    with_sender: t
      .boolean()
      .default(false)
      .describe('Whether push services, which belong to others, are told who has written.'),
    with_body: t.boolean().default(false).describe('Whether they are told what, if it is not encrypted.'),
    placeholder: t
      .string()
      .optional()
      .describe('What they are told instead of the words: some show nothing to the user without any.'),
    gather: t
      .duration({ max: 3600 })
      .default(3)
      .describe('The least time between two notifications; what comes in between is told in one. Calls do not wait.'),
    quiet_while_active: t
      .boolean()
      .default(false)
      .describe('Whether clients are let sleep while somebody uses another client of the account.'),
    resume_timeout: t
      .duration({ max: 7 * DAY })
      .default(3 * DAY)
      .describe('How long a client that was cut off may take to come back if it can be woken up.'),
    max_services: t.integer({ min: 1 }).default(10).describe('Push services of an account; of more, the oldest go.'),
    max_errors: t
      .integer({ min: 1 })
      .default(16)
      .describe('Errors in a row after which a service is forgotten; not being reachable does not count.'),
  },
  stores: { registrations: map<Registration>('push') },

  setup(host, { config, stores: { registrations } }) {
    const world = {
      now: () => host.clock.now(),
      chance: () => (host.random.bytes(1)[0] ?? 0) / 256,
      after: (seconds: number, run: () => void) => host.after(seconds, 'tell a push service', run),
      publish,
    }
    const limits = { gatherSeconds: config.gather, maxErrors: config.max_errors, services: config.max_services }
    const outlets = new AllOutlets(registrations, world, limits, (node, { jid }) =>
      host.log.info('push service given up', { jid: `${node}@${host.domain}`, peer: jid }),
    )
    host.defer(() => outlets.end())
    for (const feature of [NS_PUSH, NS_PRIORITY]) host.provide('account-feature', feature)
    // Some clients look for it here.
    host.feature(NS_PUSH)

    host.iq({ type: 'set', ns: NS_PUSH, name: 'enable', at: 'self' }, ({ payload, origin }) => {
      if (host.anonymous) throw new StanzaError('not-allowed', 'Guests cannot be woken up')
      const { account, resource } = origin
      const enabledAt = host.clock.now()
      return outlets.enable(account.jid.node ?? '', {
        jid: serviceIn(payload),
        ...readEnable(payload),
        resource,
        enabledAt,
      })
    })

    host.iq({ type: 'set', ns: NS_PUSH, name: 'disable', at: 'self' }, async ({ payload, origin }) => {
      await outlets.disable(origin.account.jid.node ?? '', serviceIn(payload), nodeIn(payload))
    })

    host.on('session/binding', async ({ account }) => {
      await outlets.of(account.jid.node ?? '')
    })
    host.on('session/patience', ({ session: { jid, resource } }) => {
      const own = [...(outlets.known(jid.node ?? '') ?? [])]
      return own.some(({ registration }) => registration.resource === resource) ? config.resume_timeout : undefined
    })
    setupWaking(host, outlets, { isQuietWhileActive: config.quiet_while_active })
    setupCommands(host, outlets)
    host.on('account/removed', ({ node }) => outlets.forget(node))

    async function publish(registration: Registration, news: News, count: number): Promise<void> {
      const to = host.parseJid(registration.jid)
      await host.request({
        from: host.jid,
        to,
        type: 'set',
        payload: publicationOf(registration, summaryOf(news, count)),
      })
      host.log.debug('push service told', { peer: registration.jid })
    }

    function summaryOf({ kind, sender, body }: News, count: number): Summary {
      return {
        count,
        sender: config.with_sender ? host.tryParseJid(sender) : undefined,
        body: (config.with_body ? body : undefined) ?? config.placeholder,
        isUrgent: kind !== 'data',
      }
    }

    /** The address of the service (XEP-0357 §5). */
    function serviceIn({ attrs: { jid = '' } }: Element): string {
      const service = host.tryParseJid(jid)
      if (service === undefined) throw new StanzaError('jid-malformed', 'The address of the push service is malformed')
      return service.full
    }
  },
})
