/** XEP-0163: Personal Eventing Protocol. Every account is a publish-subscribe service. */
import type { Chain } from '../../server/host/hooks.ts'
import type { IqRequest } from '../../server/host/host.ts'
import { defineModule } from '../../server/host/module.ts'
import type { Jid } from '../../server/jid/jid.ts'
import { handled, type Handled, type StanzaEvent } from '../../server/routed-stanza.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import type { Maybe } from '../../server/util/maybe.ts'
import type { Element } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'
import type { Item, NodeChange, NodeConfig, Service } from '../mod_pubsub/index.ts'
import { type AccountNodes, keepNodes } from './account-nodes.ts'
import { setupDisco } from './disco.ts'
import { setupDisplayed } from './displayed.ts'
import { provideKnownNodes } from './known-nodes.ts'
import { Listeners } from './listeners.ts'
import { setupPresence } from './presence.ts'
import { config, rulesOf } from './rules.ts'

/** What a part of the server publishes in the name of an account. */
export interface OwnPublication {
  readonly id?: string
  readonly payload: Element
  /** How the node is made, if it is not there. */
  readonly config?: Partial<NodeConfig>
  /** Who does it: comes back as the cause of the change. */
  readonly cause: string
}

/** For modules that keep something in the nodes of accounts. */
export interface Pep {
  /** How a node is configured; undefined if there is none. */
  config(account: Jid, node: string): Promise<NodeConfig | undefined>
  /** In order of publication; undefined if there is no such node, or `asking` may not read it. */
  items(account: Jid, node: string, asking?: Jid): Promise<readonly Item[] | undefined>
  payload(item: Item): Element | undefined
  publish(account: Jid, node: string, publication: OwnPublication): Promise<void>
  /** Removes items and tells those who follow the node; what is not there is passed over. */
  retract(account: Jid, node: string, ids: readonly string[], cause: string): Promise<void>
  /** Changes how a node is configured; nothing if there is none. */
  configure(account: Jid, node: string, changes: Partial<NodeConfig>): Promise<void>
}

declare module '../../server/host/module.ts' {
  interface Services {
    pep: Pep
  }
}

declare module '../../server/host/provisions.ts' {
  interface Provisions {
    /** How a node of that name is made, for clients that leave it to us. */
    'pep-defaults': { readonly node: string; readonly config: Partial<NodeConfig> }
  }
}

declare module '../../server/host/events.ts' {
  interface HostHooks {
    /** An account asks for a node of its own that is not there: whoever knows better may make it first. */
    'pep/missing': Chain<{ readonly account: Jid; readonly node: string }>
    /**
     * A node of an account has changed, and those who follow it know: `published` or `retracted`, or it was emptied,
     * deleted or configured. Whoever has done it is told when all handlers are done.
     */
    'pep/changed': Chain<{
      readonly account: Jid
      readonly node: string
      readonly published?: Item
      readonly retracted?: readonly string[]
      readonly cause: string | undefined
    }>
  }
}

export default defineModule({
  name: 'pep',
  about: 'lets accounts publish about themselves, and tells their contacts',
  xeps: {
    163: '1.2.2',
    222: '1.0.1',
    223: '1.1.1',
    84: '1.1.4',
    384: '0.8.3',
    490: '1.0.1',
    492: '0.2.0',
    501: '0.2.0',
    472: '0.2.1',
  },
  on: ['local'],
  depends: ['pubsub', 'roster', 'accounts', 'caps'],
  config,

  setup(host, { config: options }) {
    const pubsub = host.service('pubsub')
    const listeners = new Listeners()
    const kept = keepNodes(host, (node) => {
      const account = host.jid.withNode(node)
      const changed = async (change: NodeChange): Promise<void> => {
        await host.fire('pep/changed', { account, ...change })
      }
      return pubsub.open(rulesOf(host, options, account, listeners, changed))
    })
    const services: AccountNodes = {
      ...kept,
      async use(node, act) {
        // Who is a contact has to be known at once.
        await host.service('roster').of(node)
        return kept.use(node, act)
      },
    }

    for (const ns of [NS.pubsub, NS.pubsubOwner]) {
      for (const type of ['get', 'set'] as const) host.iq({ type, ns, name: 'pubsub', at: 'account' }, answer)
    }
    host.on('incoming/message', takeDecision, 'rewrite')
    host.on('incoming/message', takeBounce, 'rewrite')
    host.on('incoming/iq', takeCommand, 'rewrite')
    host.provide('account-feature', NS.commands)
    setupPresence(host, services, listeners)
    setupDisco(host, services)

    host.on('account/removing', ({ node }) => forget(node), 'fallback')
    host.every('day', 'remove what has expired', sweep)

    const pep: Pep = {
      config: (account, node) => inNameOf(account, (service) => service.find(node)?.config),

      items: (account, node, asking = account) =>
        inNameOf(account, async (service) => {
          const found = service.find(node)
          return found && pubsub.mayRead(service, found, asking) ? service.items(found) : undefined
        }),

      payload: ({ payload }) => payload && pubsub.payloadElement(payload),

      publish: (account, node, { id, payload, config: given, cause }) =>
        inNameOf(account, async (service) => {
          if (service.find(node) === undefined) await pubsub.createNode(service, node, account, given)
          const item = { id, payload: pubsub.payloadOf(payload) }
          await pubsub.publish(service, node, account, { item, cause })
        }),

      retract: (account, node, ids, cause) =>
        inNameOf(account, async (service) => {
          const found = service.find(node)
          const there = new Set((found && (await service.items(found)))?.map((item) => item.id))
          const gone = ids.filter((id) => there.has(id))
          if (found === undefined || gone.length === 0) return
          await pubsub.retract(service, found, account, { ids: gone, notice: true, cause })
        }),

      configure: (account, node, changes) =>
        inNameOf(account, async (service) => {
          const found = service.find(node)
          if (found !== undefined) await pubsub.configureNode(service, found, changes)
        }),
    }
    provideKnownNodes(host)
    setupDisplayed(host, pep)
    return pep

    function inNameOf<T>(account: Jid, act: (service: Service) => Maybe<T>): Promise<T> {
      return services.use(account.node ?? '', act)
    }

    async function answer(iq: IqRequest): Promise<Element | undefined> {
      const node = iq.to.node ?? ''
      if (!(await host.service('accounts').exists(node))) throw new StanzaError('service-unavailable')
      return services.use(node, async (service) => {
        const asked = iq.payload.elements[0]?.attrs['node']
        const isMissing = asked !== undefined && iq.from.bare === iq.to.bare && service.find(asked) === undefined
        if (isMissing) await host.fire('pep/missing', { account: iq.to, node: asked })
        return pubsub.answer(service, iq)
      })
    }

    /** An owner lets somebody subscribe, or does not (XEP-0060 §8.6): nothing for clients, nor for archives. */
    function takeDecision({ stanza, from, to }: StanzaEvent): Maybe<Handled | undefined> {
      if (to.node === undefined || to.resource !== undefined || !stanza.has('x', NS.dataForms)) return undefined
      const form = pubsub.decisionIn(stanza)
      if (form === undefined) return undefined
      return ifThere(to.node, (service) => pubsub.takeDecision(service, from, form).then(() => handled))
    }

    /** Whoever cannot be told any more is no subscriber, at accounts that are in use. */
    function takeBounce({ stanza, from, to }: StanzaEvent): undefined {
      if (stanza.type !== 'error' || to.node === undefined || to.resource !== undefined) return
      const { node } = to
      if (services.at(node) === undefined || !pubsub.isLost(stanza, from)) return
      host.spawn('forget a subscriber', () => services.use(node, (service) => pubsub.forget(service, from)))
    }

    function takeCommand(event: StanzaEvent): Maybe<Handled | undefined> {
      const { node, resource } = event.to
      if (node === undefined || resource !== undefined || !pubsub.isPendingCommand(event.stanza)) return undefined
      return ifThere(node, (service) => pubsub.takePendingCommand(service, event))
    }

    /** Undefined if there is no such account. */
    async function ifThere<T>(node: string, act: (service: Service) => Maybe<T>): Promise<T | undefined> {
      return (await host.service('accounts').exists(node)) ? services.use(node, act) : undefined
    }

    async function forget(node: string): Promise<undefined> {
      await services.use(node, (service) => service.retire())
      listeners.clear(node)
    }

    async function sweep(signal: AbortSignal): Promise<void> {
      for await (const node of pubsub.owners()) {
        if (signal.aborted) return
        if (node !== '') await services.use(node, (service) => pubsub.sweep(service))
      }
    }
  },
})
