/** XEP-0060 §8: what owners of nodes, and those who want to be, ask of a service. */
import { unsupported } from '../../server/protocol/pubsub-error.ts'
import { formIn } from '../../server/protocol/raw-form.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import { type Element, xml } from '../../server/xml/element.ts'
import { isCurrent } from './node.ts'
import { type ConfigBounds, configForm, type NodeConfig, readConfig } from './node-config.ts'
import { configureNode, createNode, deleteNode } from './nodes.ts'
import { setAffiliations, setSubscriptions } from './managing.ts'
import { purge } from './publishing.ts'
import { nodeOfOwner, ownerElement, pubsubElement, type RequestHandler } from './request.ts'

export const ownerRequests: Readonly<Record<string, RequestHandler>> = {
  /** §8.1. */
  'pubsub set create': async ({ service, who, pubsub, action }) => {
    const { node: wanted, type = 'leaf' } = action.attrs
    if (type !== 'leaf') throw unsupported('collections')
    const id = wanted ?? service.rules.random.id()
    await createNode(service, id, who, configIn(pubsub.child('configure'), service.bounds))
    return wanted === undefined ? pubsubElement(xml('create', { node: id })) : undefined
  },

  /** §8.2.1. */
  'owner get configure': async (request) => {
    const node = nodeOfOwner(request)
    const form = configForm(node.config, request.service.bounds)
    return ownerElement(xml('configure', { node: node.id }, form))
  },

  /** §8.2.4. */
  'owner set configure': async (request) => {
    const node = nodeOfOwner(request)
    const changes = readConfig(formIn(request.action), request.service.bounds)
    if (changes !== undefined) await configureNode(request.service, node, changes)
    return undefined
  },

  /** §8.3. */
  'owner get default': async ({ service, action }) => {
    if ((action.attrs['type'] ?? 'leaf') !== 'leaf') throw unsupported('collections')
    return ownerElement(xml('default', {}, configForm(service.rules.defaults, service.bounds)))
  },

  /** §8.4. */
  'owner set delete': async (request) => {
    const uri = request.action.child('redirect')?.attrs['uri']
    if (uri !== undefined && uri.length > LONGEST_URI) throw new StanzaError('not-acceptable')
    await deleteNode(request.service, nodeOfOwner(request), uri)
    return undefined
  },

  /** §8.5. */
  'owner set purge': async (request) => {
    await purge(request.service, nodeOfOwner(request))
    return undefined
  },

  /** §8.8.1. */
  'owner get subscriptions': async (request) => {
    const node = nodeOfOwner(request)
    const lines = [...node.subscriptions]
      .filter(([, subscription]) => isCurrent(subscription, request.service.now))
      .map(([jid, { state }]) => xml('subscription', { jid, subscription: state }))
    return ownerElement(xml('subscriptions', { node: node.id }, ...lines))
  },

  /** §8.8.2. */
  'owner set subscriptions': async (request) => {
    await setSubscriptions(request.service, nodeOfOwner(request), request.action)
    return undefined
  },

  /** §8.9.1. */
  'owner get affiliations': async (request) => {
    const node = nodeOfOwner(request)
    const lines = [...node.affiliations].map(([jid, affiliation]) => xml('affiliation', { jid, affiliation }))
    return ownerElement(xml('affiliations', { node: node.id }, ...lines))
  },

  /** §8.9.2. */
  'owner set affiliations': async (request) => {
    await setAffiliations(request.service, nodeOfOwner(request), request.action)
    return undefined
  },
}

const LONGEST_URI = 2048

/** §8.1.3. */
function configIn(configure: Element | undefined, bounds: ConfigBounds): Partial<NodeConfig> {
  if (configure === undefined || formIn(configure) === undefined) return {}
  if (configure.attrs['node'] !== undefined) throw new StanzaError('bad-request')
  return readConfig(formIn(configure), bounds) ?? {}
}
