/** XEP-0030: Service Discovery, with XEP-0115: Entity Capabilities of the host itself. */
import { capsElement, capsVer } from '../server/protocol/caps.ts'
import { discoInfoElement, type DiscoInfo } from '../server/protocol/disco-info.ts'
import type { IqRequest } from '../server/host/host.ts'
import type { Shape } from '../server/host/hooks.ts'
import { defineModule } from '../server/host/module.ts'
import type { DiscoNode } from '../server/host/provisions.ts'
import { type DiscoItem, discoItemsElement } from '../server/protocol/disco-items.ts'
import type { Jid } from '../server/jid/jid.ts'
import { StanzaError } from '../server/stanza-error.ts'
import type { Element } from '../server/xml/element.ts'
import { NS } from '../server/xml/ns.ts'
import { written } from '../server/xml/raw-element.ts'

declare module '../server/host/events.ts' {
  interface HostHooks {
    /** What an account is and can do, before it is told. */
    'disco/account-info': Shape<{ info: DiscoInfo; readonly account: string }>
    /** What belongs to an account, before it is told. */
    'disco/account-items': Shape<{
      items: readonly DiscoItem[]
      readonly account: Jid
      readonly asking: Jid
      readonly query: Element
    }>
  }
}

/** Names the software in our capabilities (XEP-0115 §4); nobody fetches it. */
const CAPS_NODE = 'https://madrigal.im'

export default defineModule({
  name: 'disco',
  about: 'tells what the host is and can do',
  xeps: { 30: '2.5.0', 115: '1.6.0', 128: '1.0.1' },
  on: ['local'],
  depends: ['roster', 'accounts'],

  setup(host) {
    host.provide('identity', { category: 'server', type: 'im', name: 'Madrigal' })
    for (const ns of [NS.discoInfo, NS.discoItems]) {
      host.feature(ns)
      host.provide('account-feature', ns)
    }

    let known: string | undefined
    let feature: Element | undefined
    const forget = (): void => {
      known = undefined
      feature = undefined
    }
    for (const kind of ['identity', 'feature', 'disco-form'] as const) {
      host.each(kind, () => {
        forget()
        return forget
      })
    }

    host.streamFeature({
      needs: [],
      forbids: ['bound'],
      offer: () => {
        const hash = ver()
        if (hash === undefined) return undefined
        return (feature ??= written(capsElement({ node: CAPS_NODE, ver: hash, hash: 'sha-1' })))
      },
    })

    host.iq({ type: 'get', ns: NS.discoInfo, name: 'query', at: 'host' }, ({ payload, from }) => {
      const { node } = payload.attrs
      if (node === undefined || node === `${CAPS_NODE}#${ver()}`) return discoInfoElement(hostInfo(), node)
      return nodeInfo(node, from)
    })

    host.iq({ type: 'get', ns: NS.discoItems, name: 'query', at: 'host' }, ({ payload, from }) => {
      const { node } = payload.attrs
      return node === undefined ? discoItemsElement(hostItems(), payload) : nodeItems(node, from, payload)
    })

    host.iq({ type: 'get', ns: NS.discoInfo, name: 'query', at: 'account' }, async (request) => {
      await requireSight(request)
      const { node } = request.payload.attrs
      if (node !== undefined) throw new StanzaError('item-not-found')
      const shape = { info: accountInfo(), account: request.to.bare }
      host.fire('disco/account-info', shape)
      return discoInfoElement(shape.info)
    })

    host.iq({ type: 'get', ns: NS.discoItems, name: 'query', at: 'account' }, async (request) => {
      await requireSight(request)
      const { payload: query, to: account, from: asking } = request
      if (query.attrs['node'] !== undefined) throw new StanzaError('item-not-found')
      const shape = { items: [] as readonly DiscoItem[], account, asking, query }
      host.fire('disco/account-items', shape)
      return discoItemsElement(shape.items, query)
    })

    function hostInfo(): DiscoInfo {
      return {
        identities: [...host.items('identity')],
        features: [...new Set(host.items('feature'))].toSorted(),
        forms: [...host.items('disco-form')].map((form) => form()),
      }
    }

    function accountInfo(): DiscoInfo {
      return {
        identities: [{ category: 'account', type: 'registered' }],
        features: [...new Set(host.items('account-feature'))].toSorted(),
        forms: [],
      }
    }

    /** The services of this server that belong to the host, and what modules have to show. */
    function hostItems(): readonly DiscoItem[] {
      const components = host.siblings('component').filter((domain) => domain.endsWith(`.${host.domain}`))
      const services = [...host.siblings('muc'), ...components].map((jid): DiscoItem => ({ jid }))
      return [...services, ...host.items('item')]
    }

    async function nodeInfo(node: string, asking: Jid): Promise<Element> {
      const info = await find(node)?.info(asking)
      if (info === undefined) throw new StanzaError('item-not-found')
      return discoInfoElement(info, node)
    }

    async function nodeItems(node: string, asking: Jid, query: Element): Promise<Element> {
      const items = await find(node)?.items(asking)
      if (items === undefined) throw new StanzaError('item-not-found')
      return discoItemsElement(items, query)
    }

    function find(node: string): DiscoNode | undefined {
      return [...host.items('disco-node')].find((item) => item.node === node)
    }

    /** Made once, and again when a module has come or gone; undefined if what we are can't be hashed (XEP-0115 §5.4). */
    function ver(): string | undefined {
      known ??= capsVer(hostInfo())
      return known
    }

    /** What an account is, its owner and those may know who see its presence; to others there is nobody (XEP-0030 §8). */
    async function requireSight({ from, to }: IqRequest): Promise<void> {
      if (!(await host.service('roster').mayKnow(from, to))) throw new StanzaError('service-unavailable')
    }
  },
})
