/**
 * UnifiedPush: a push server for the apps of those who have an account. A client that is a distributor, as Conversations
 * is, gets an address for each app; what is sent there comes to the client, and it hands it to the app. The protocol
 * between client and server is that of https://codeberg.org/iNPUTmice/up.
 */
import { t } from '../../server/config/types.ts'
import { defineModule } from '../../server/host/module.ts'
import { formatDateTime } from '../../server/protocol/date-time.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import { xml } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'
import { keyval, map } from '../../storage/store.ts'
import { setupCommands } from './commands.ts'
import { setupDelivery } from './delivery.ts'
import { type App, type Endpoint, Endpoints, keyOf, type Place } from './endpoints.ts'
import { PushResources } from './http.ts'

const DAY = 86_400

export default defineModule({
  name: 'unified_push',
  about: 'takes messages from servers of apps to the phones of accounts',
  on: ['local'],
  depends: ['accounts'],
  config: {
    path: t.string().optional().describe('Where messages are taken; if not set, /push/ and the domain.'),
    url: t
      .url()
      .optional()
      .describe('How that is reached from outside; if not set, by https on the domain and port 5280.'),
    expire_after: t
      .duration({ min: 3600 })
      .default(7 * DAY)
      .describe('How long an app may be silent before its address is forgotten; clients renew it in time.'),
    max_apps: t.integer({ min: 1 }).default(100).describe('Apps of an account.'),
    per_minute: t.integer({ min: 1 }).default(60).describe('Messages that are taken for an app.'),
  },
  stores: {
    endpoints: map<Endpoint>('unified_push'),
    places: keyval<Place>('unified_push_places'),
    secret: keyval<string>('unified_push_secret'),
  },

  async setup(host, { config, stores }) {
    const endpoints = await Endpoints.open(stores, host.random)
    const path = config.path ?? `/push/${host.domain}`
    const url = config.url ?? `https://${host.domain}:5280${path}`
    const resources = new PushResources(endpoints, setupDelivery(host, endpoints), host.clock, config.per_minute)

    host.feature(NS.unifiedPush)
    host.route(path, (request, response, below) => resources.serve(request, response, below))

    host.iq({ type: 'set', ns: NS.unifiedPush, name: 'register', at: 'host' }, async ({ payload: { attrs }, from }) => {
      const { node, domain, resource } = from
      if (node === undefined || resource === undefined || domain !== host.domain || host.anonymous) {
        throw new StanzaError('forbidden', 'Only for those who have an account here')
      }
      const app = { application: hashIn(attrs['application']), instance: hashIn(attrs['instance']) }
      await requireRoom(node, app)
      const expiresAt = host.clock.now() + config.expire_after * 1000
      const token = await endpoints.put(node, { ...app, resource, expiresAt })
      return xml('registered', {
        xmlns: NS.unifiedPush,
        expiration: formatDateTime(new Date(expiresAt)),
        endpoint: `${url.replace(/\/$/, '')}/${token}`,
      })
    })

    host.on('account/removing', ({ node }) => removeAll(node), 'fallback')
    host.every('day', 'forget apps that are gone', async (signal) => {
      for await (const node of endpoints.owners()) {
        if (signal.aborted) return
        await removeExpired(node)
      }
    })
    setupCommands(host, endpoints)

    async function requireRoom(node: string, app: App): Promise<void> {
      const known = await endpoints.of(node)
      if (known.has(keyOf(app)) || known.size < config.max_apps) return
      await removeExpired(node)
      if ((await endpoints.of(node)).size >= config.max_apps) {
        throw new StanzaError('resource-constraint', 'Too many apps are registered already')
      }
    }

    async function removeExpired(node: string): Promise<void> {
      for (const [key, { expiresAt }] of await endpoints.of(node)) {
        if (expiresAt <= host.clock.now()) await endpoints.remove({ node, key })
      }
    }

    async function removeAll(node: string): Promise<undefined> {
      for (const key of (await endpoints.of(node)).keys()) await endpoints.remove({ node, key })
    }
  },
})

/** Distributors send hashes (SHA-256, in base64), so that we do not learn which apps there are. */
function hashIn(text: string | undefined): string {
  if (text === undefined || !/^[A-Za-z0-9+/]{43}=$/.test(text)) {
    throw new StanzaError('bad-request', 'Application and instance must be hashes')
  }
  return text
}
