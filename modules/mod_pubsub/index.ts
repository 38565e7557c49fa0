/** XEP-0060: Publish-Subscribe. A host of nodes (`is: pubsub`); elsewhere, nodes for modules that have a use for them. */
import { defineModule } from '../../server/host/module.ts'
import { map } from '../../storage/store.ts'
import { forget, isLost } from './bounces.ts'
import { config } from './config.ts'
import { commonFeatures, itemsOfNode, nodeInfo, nodeItems } from './disco.ts'
import { mayRead, sendLastItems } from './events.ts'
import { payloadElement, payloadOf, type StoredItem } from './item.ts'
import { usualConfig } from './node-config.ts'
import { configureNode, createNode, deleteNode, reviewSubscribers } from './nodes.ts'
import { publish, purge, retract } from './publishing.ts'
import { isPendingCommand, takePendingCommand } from './pending-command.ts'
import { answer } from './requests.ts'
import { itemsStoreName, Service, type ServiceRules, type StoredRecord } from './service.ts'
import { setupHostOfNodes } from './host-of-nodes.ts'
import { decisionIn, takeDecision } from './subscribing.ts'
import { endTemporary, purgeOffline, sweep } from './sweeping.ts'

export type { Item, Payload } from './item.ts'
export type { Node } from './node.ts'
export type { NodeConfig } from './node-config.ts'
export type { Publication } from './publishing.ts'
export type { Listener, NodeChange, Service, ServiceRules } from './service.ts'

/** What can be done with nodes. All of it throws StanzaError to refuse. */
const acts = {
  answer,
  configureNode,
  createNode,
  decisionIn,
  deleteNode,
  endTemporary,
  forget,
  isLost,
  isPendingCommand,
  itemsOfNode,
  mayRead,
  nodeInfo,
  nodeItems,
  payloadElement,
  payloadOf,
  publish,
  purge,
  purgeOffline,
  retract,
  reviewSubscribers,
  sendLastItems,
  sweep,
  takeDecision,
  takePendingCommand,
  commonFeatures,
  usualConfig,
} as const

/** For modules that offer nodes at other addresses than that of a host. */
export type Pubsub = typeof acts & {
  /** Reads the nodes of an address. */
  readonly open: (rules: ServiceRules) => Promise<Service>
  /** Those in storage who have nodes. */
  readonly owners: () => AsyncIterable<string>
}

declare module '../../server/host/module.ts' {
  interface Services {
    pubsub: Pubsub
  }
}

export default defineModule({
  name: 'pubsub',
  about: 'keeps nodes to which some publish and others subscribe',
  xeps: { 60: '1.30.0', 59: '1.0', 413: '0.2.1', 462: '0.1.1', 465: '0.1.1', 503: '0.3.0' },
  on: ['local', 'pubsub'],
  config,
  stores: { records: map<StoredRecord>('pubsub'), items: map<StoredItem>(itemsStoreName) },

  async setup(host, { config: options, stores }) {
    const pubsub: Pubsub = {
      ...acts,
      open: (rules) => Service.load(rules, stores),
      owners: () => stores.records.owners(),
    }
    if (host.kind === 'pubsub') await setupHostOfNodes(host, options, pubsub.open)
    // Clients look for services among what belongs to their host.
    for (const jid of host.siblings('pubsub')) host.provide('item', { jid })
    return pubsub
  },
})
