/** XEP-0163 §6: what an account can do and which nodes it has. */
import type { ModuleHost } from '../../server/host/host.ts'
import { discoInfoElement } from '../../server/protocol/disco-info.ts'
import { discoItemsElement } from '../../server/protocol/disco-items.ts'
import { handled, type Handled, type StanzaEvent } from '../../server/routed-stanza.ts'
import { reply } from '../../server/xml/build.ts'
import type { Element } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'
import type { Service } from '../mod_pubsub/index.ts'
import type { AccountNodes } from './account-nodes.ts'

/** What nodes of accounts can do that others cannot (XEP-0060 §10). */
const ownFeatures = [
  'access-presence',
  'auto-create',
  'auto-subscribe',
  'filtered-notifications',
  'last-published',
  'presence-notifications',
  'presence-subscribe',
  'pubsub-on-a-jid',
].map((name) => `${NS.pubsub}#${name}`)

export function setupDisco(host: ModuleHost<'pubsub' | 'roster' | 'accounts' | 'caps'>, services: AccountNodes): void {
  const pubsub = host.service('pubsub')
  for (const ns of [...pubsub.commonFeatures, ...ownFeatures]) host.provide('account-feature', ns)

  host.on('disco/account-info', (shape) => {
    shape.info = { ...shape.info, identities: [...shape.info.identities, { category: 'pubsub', type: 'pep' }] }
  })

  host.on('disco/account-items', (shape) => {
    const service = services.at(shape.account.node ?? '')
    if (service !== undefined) shape.items = [...shape.items, ...pubsub.nodeItems(service, shape.asking, shape.query)]
  })

  // The lists above are made at once, so the nodes have to be at hand; and of a node, we alone know.
  host.on('incoming/iq', (event) => (isAboutAccount(event) ? prepare(event) : undefined), 'rewrite')

  async function prepare(event: StanzaEvent): Promise<Handled | undefined> {
    const account = event.to.node ?? ''
    if (!(await host.service('accounts').exists(account))) return undefined
    const node = event.stanza.childAt(0)?.attrs['node']
    return services.use(account, async (service) => {
      const answer = node === undefined ? undefined : await describe(service, node, event)
      if (answer === undefined) return undefined
      const { stanza, to } = event
      // Whoever has named no addressee has asked their account.
      event.origin.send(reply(stanza, answer).with({ from: stanza.to ?? to.full }))
      return handled
    })
  }

  async function describe(service: Service, node: string, { stanza, from }: StanzaEvent): Promise<Element | undefined> {
    const query = stanza.childAt(0)
    if (query === undefined) return undefined
    if (query.ns === NS.discoInfo) {
      const info = pubsub.nodeInfo(service, node, from)
      return info && discoInfoElement(info, node)
    }
    const items = await pubsub.itemsOfNode(service, node, from)
    return items && discoItemsElement(items, query)
  }
}

function isAboutAccount({ stanza, to }: StanzaEvent): boolean {
  if (stanza.type !== 'get' || to.node === undefined || to.resource !== undefined) return false
  const { payload } = stanza
  return payload?.name === 'query' && (payload.ns === NS.discoInfo || payload.ns === NS.discoItems)
}
