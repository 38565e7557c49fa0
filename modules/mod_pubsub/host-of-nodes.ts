/** XEP-0060: a host that is a publish-subscribe service. */
import type { OptionsOf } from '../../server/config/types.ts'
import type { Query } from '../../server/host/hooks.ts'
import type { ModuleHost } from '../../server/host/host.ts'
import type { Jid } from '../../server/jid/jid.ts'
import { type DiscoInfo, discoInfoElement } from '../../server/protocol/disco-info.ts'
import { discoItemsElement } from '../../server/protocol/disco-items.ts'
import { handled, type Handled, type StanzaEvent } from '../../server/routed-stanza.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import type { Maybe } from '../../server/util/maybe.ts'
import { NS } from '../../server/xml/ns.ts'
import { forget, isLost } from './bounces.ts'
import { setupCommands } from './commands.ts'
import type { config } from './config.ts'
import { commonFeatures, itemsOfNode, nodeInfo, nodeItems } from './disco.ts'
import { usualConfig } from './node-config.ts'
import { isPendingCommand, takePendingCommand } from './pending-command.ts'
import { answer } from './requests.ts'
import type { Service, ServiceRules } from './service.ts'
import { decisionIn, takeDecision } from './subscribing.ts'
import { sweep } from './sweeping.ts'

declare module '../../server/host/events.ts' {
  interface HostHooks {
    /** What a node of the host holds, as its owners say: for parts of the server that belong to it. */
    'pubsub/type': Query<{ readonly node: string }, string>
  }
}

type Options = OptionsOf<typeof config>

const LONGEST_PAYLOAD = 262_144
/** Subscriptions and affiliations: a hundred bytes each, in memory. */
const MOST_LINKS = 1_000_000

export async function setupHostOfNodes(
  host: ModuleHost,
  options: Options,
  open: (rules: ServiceRules) => Promise<Service>,
): Promise<void> {
  const service = await open(rulesOf(host, options))
  for (const ns of [NS.pubsub, NS.pubsubOwner]) {
    for (const type of ['get', 'set'] as const) {
      host.iq({ type, ns, name: 'pubsub', at: 'host' }, (iq) => answer(service, iq))
    }
  }
  setupDisco(host, options, service)
  setupCommands(host, service)
  host.on('pubsub/type', ({ node }) => service.find(node)?.config.type)
  host.on(
    'incoming/iq',
    (event) =>
      event.to.node === undefined && isPendingCommand(event.stanza) ? takePendingCommand(service, event) : undefined,
    'rewrite',
  )
  host.on('incoming/message', takeMessage)
  // There is nobody here whose presence could be seen.
  host.on('incoming/presence', () => handled)
  host.every('hour', 'remove what has expired', () => sweep(service))

  function takeMessage({ stanza, from, to }: StanzaEvent): Maybe<Handled | undefined> {
    if (to.node !== undefined) return undefined
    if (stanza.type === 'error') {
      if (isLost(stanza, from)) host.spawn('forget a subscriber', () => forget(service, from))
      return handled
    }
    const form = decisionIn(stanza)
    return form === undefined ? undefined : takeDecision(service, from, form).then(() => handled)
  }
}

function rulesOf(host: ModuleHost, options: Options): ServiceRules {
  const isOwner = ({ bare }: Jid): boolean => host.admins.some((admin) => admin.bare === bare)
  const creators: Readonly<Record<Options['create_nodes'], (who: Jid) => boolean>> = {
    anyone: () => true,
    local: (who) => isOwner(who) || host.siblings('local').includes(who.domain),
    admins: isOwner,
  }
  return {
    jid: host.jid,
    owner: '',
    defaults: {
      ...usualConfig,
      max_items: Math.min(20, options.max_items),
      access_model: 'open',
      send_last_published_item: 'never',
    },
    defaultsOf: () => ({}),
    limits: {
      nodes: options.max_nodes,
      items: options.max_items,
      chars: options.max_size,
      payloadChars: LONGEST_PAYLOAD,
      subscriptions: options.max_subscribers,
      links: MOST_LINKS,
    },
    // It sees neither presence nor rosters.
    accessModels: ['authorize', 'open', 'whitelist'],
    autoCreate: options.auto_create,
    namesPublishers: options.expose_publisher,
    clock: host.clock,
    random: host.random,
    isOwner,
    mayCreate: creators[options.create_nodes],
    seesPresence: () => false,
    groupsOf: () => [],
    listeners: () => [],
    send: (to, stanza) => void host.sendTo(to, stanza, host.jid),
    parseJid: (text) => host.parseJid(text),
    changed: () => {},
  }
}

function setupDisco(host: ModuleHost, { name, auto_create: autoCreate }: Options, service: Service): void {
  host.provide('identity', { category: 'pubsub', type: 'service', name })
  const own = autoCreate ? ['access-open', 'auto-create'] : ['access-open']
  for (const ns of [NS.discoInfo, NS.discoItems, NS.rsm, ...commonFeatures, ...own.map((it) => `${NS.pubsub}#${it}`)]) {
    host.feature(ns)
  }

  host.iq({ type: 'get', ns: NS.discoInfo, name: 'query', at: 'host' }, async ({ payload, from }) => {
    const { node } = payload.attrs
    if (node === undefined) return discoInfoElement(hostInfo())
    const info = nodeInfo(service, node, from) ?? (await provided(node)?.info(from))
    if (info === undefined) throw new StanzaError('item-not-found')
    return discoInfoElement(info, node)
  })

  host.iq({ type: 'get', ns: NS.discoItems, name: 'query', at: 'host' }, async ({ payload, from }) => {
    const { node } = payload.attrs
    const items =
      node === undefined
        ? [...nodeItems(service, from, payload), ...host.items('item')]
        : ((await itemsOfNode(service, node, from)) ?? (await provided(node)?.items(from)))
    if (items === undefined) throw new StanzaError('item-not-found')
    return discoItemsElement(items, payload)
  })

  function hostInfo(): DiscoInfo {
    return {
      identities: [...host.items('identity')],
      features: [...new Set(host.items('feature'))].toSorted(),
      forms: [...host.items('disco-form')].map((form) => form()),
    }
  }

  function provided(node: string) {
    return [...host.items('disco-node')].find((item) => item.node === node)
  }
}
