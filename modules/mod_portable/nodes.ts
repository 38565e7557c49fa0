/** XEP-0227 §4.10: what an account has published. */
import type { ModuleHost } from '../../server/host/host.ts'
import type { Jid } from '../../server/jid/jid.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import { type Element, xml } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'
import type { MapStore } from '../../storage/store.ts'
import type { NodeConfig, Pubsub } from '../mod_pubsub/index.ts'
import type { Pep } from '../mod_pep/index.ts'
import type { Part } from './part.ts'

const PREFIX = 'pubsub#'
const NS_NODE_CONFIG = `${NS.pubsub}#node_config`

/** `records` is what mod_pubsub keeps: under `n` and a space the nodes, by their ids. */
export function nodesPart(host: ModuleHost, records: MapStore<unknown>): Part {
  /** How the nodes of an account are to be made: told before their items are, and not made without any. */
  const configs = new Map<string, Partial<NodeConfig>>()

  return {
    things: 'published items',

    async *write(account: Jid) {
      const pep = host.optionalService('pep')
      if (pep === undefined) return
      const ids = [...(await records.all(account.node ?? '')).keys()].filter((key) => key.startsWith('n '))
      const nodes = ids.map((key) => key.slice(2))
      const configured = await Promise.all(nodes.map((node) => configElement(pep, account, node)))
      if (nodes.length === 0) return
      yield xml('pubsub', { xmlns: NS.pubsubOwner }, ...configured).toString()
      // All of them in one element, and not all of them in memory.
      yield `<pubsub xmlns='${NS.pubsub}'>`
      for (const node of nodes) yield (await itemsElement(pep, account, node)).toString(NS.pubsub)
      yield '</pubsub>'
    },

    read(account, element) {
      if (element.name !== 'pubsub') return undefined
      if (element.ns === NS.pubsubOwner) return readConfigs(account, element)
      return element.ns === NS.pubsub ? readItems(account, element) : undefined
    },
  }

  async function readConfigs(account: Jid, element: Element): Promise<number> {
    const usual = host.optionalService('pubsub')?.usualConfig
    for (const configure of element.elements) {
      const node = configure.attrs['node']
      const form = configure.child('x', NS.dataForms)
      if (configure.name !== 'configure' || node === undefined || form === undefined || usual === undefined) continue
      configs.set(`${account.bare} ${node}`, readConfig(form, usual))
    }
    return 0
  }

  async function readItems(account: Jid, element: Element): Promise<number> {
    const pep = host.optionalService('pep')
    let count = 0
    for (const items of pep === undefined ? [] : element.elements) {
      const node = items.attrs['node']
      if (items.name !== 'items' || node === undefined) continue
      for (const item of items.elements) if (await publish(pep, account, node, item)) count++
      configs.delete(`${account.bare} ${node}`)
    }
    return count
  }

  /** False if it cannot be published here. */
  async function publish(pep: Pep | undefined, account: Jid, node: string, item: Element): Promise<boolean> {
    const [payload] = item.elements
    if (pep === undefined || payload === undefined) return false
    const config = configs.get(`${account.bare} ${node}`)
    const { id } = item.attrs
    try {
      await pep.publish(account, node, { payload, cause: 'import', ...(id && { id }), ...(config && { config }) })
      return true
    } catch (error) {
      if (!(error instanceof StanzaError)) throw error
      return false
    }
  }
}

async function configElement(pep: Pep, account: Jid, node: string): Promise<Element> {
  const config = Object.entries((await pep.config(account, node)) ?? {})
  const fields = config.map(([name, value]) => {
    const values = Array.isArray(value) ? value : [typeof value === 'boolean' ? Number(value) : value]
    return xml('field', { var: PREFIX + name }, ...values.map((each) => xml('value', {}, String(each))))
  })
  const type = xml('field', { var: 'FORM_TYPE', type: 'hidden' }, xml('value', {}, NS_NODE_CONFIG))
  return xml('configure', { node }, xml('x', { xmlns: NS.dataForms, type: 'form' }, type, ...fields))
}

async function itemsElement(pep: Pep, account: Jid, node: string): Promise<Element> {
  const items = (await pep.items(account, node, account)) ?? []
  const elements = items.map((item) => xml('item', { id: item.id }, pep.payload(item)))
  return xml('items', { xmlns: NS.pubsub, node }, ...elements)
}

/** What is known of a form, by the types that options usually have; the rest is passed over (§4.10.1). */
function readConfig(form: Element, usual: Pubsub['usualConfig']): Partial<NodeConfig> {
  const config: Record<string, unknown> = {}
  for (const field of form.elements) {
    const name = field.attrs['var']?.startsWith(PREFIX) === true ? field.attrs['var'].slice(PREFIX.length) : ''
    const values = field.elements.filter((element) => element.name === 'value').map((value) => value.getText())
    const value = ACCESS.includes(values[0] ?? '') ? values[0] : undefined
    if (name === 'access_model') config[name] = value
    else if (name === 'max_items') config[name] = numberOr(values[0])
    else if (Object.hasOwn(usual, name)) config[name] = likeUsual(usual[name as keyof typeof usual], values)
  }
  // What could not be read is undefined, and is left out.
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== undefined)) as Partial<NodeConfig>
}

/** A value of the type that it usually has. Words that are not to be chosen are refused where the node is made. */
function likeUsual(usual: unknown, values: readonly string[]): unknown {
  const [value] = values
  if (Array.isArray(usual)) return values
  if (typeof usual === 'boolean') return value === '1' || value === 'true'
  return typeof usual === 'number' ? numberOr(value) : undefined
}

function numberOr(text: string | undefined): number | 'max' | undefined {
  if (text === 'max') return 'max'
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : undefined
}

const ACCESS: readonly string[] = ['open', 'presence', 'roster', 'authorize', 'whitelist']
