/** XEP-0060 §8.1, §8.2, §8.4: making nodes, configuring them, and deleting them. */
import type { Jid } from '../../server/jid/jid.ts'
import { pubsubError } from '../../server/protocol/pubsub-error.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import { xml } from '../../server/xml/element.ts'
import { denialOf } from './access.ts'
import { eventElement, notify, sendLastItem, tellSubscriptions } from './events.ts'
import type { Node, Subscription } from './node.ts'
import { configResult, type NodeConfig } from './node-config.ts'
import type { Service } from './service.ts'

/** A node that is as usual in all that is not given. Throws StanzaError. */
export async function createNode(
  service: Service,
  id: string,
  who: Jid,
  given: Partial<NodeConfig> = {},
): Promise<Node> {
  if (!service.rules.mayCreate(who)) throw new StanzaError('forbidden')
  checkModel(service, given)
  return service.create(id, who, newConfig(service, id, given))
}

/** How a node is configured at first. */
export function newConfig({ rules }: Service, id: string, given: Partial<NodeConfig>): NodeConfig {
  return { ...rules.defaults, ...rules.defaultsOf(id), ...given }
}

/** Changes some options of a node. Throws StanzaError. */
export async function configureNode(service: Service, node: Node, changes: Partial<NodeConfig>): Promise<void> {
  checkModel(service, changes)
  const before = node.config
  await node.take(async () => {
    node.config = { ...before, ...changes }
    await service.save(node)
    await dropSurplus(service, node)
  })
  if (node.config.notify_config) await notify(service, node, configurationEvent(service, node))
  await followAccess(service, node, before)
  await service.rules.changed({ service, node: node.id, cause: undefined })
}

/** Deletes a node and tells everybody who has to do with it, also those who wait to be approved (§8.4.2). */
export async function deleteNode(service: Service, node: Node, uri?: string): Promise<void> {
  const redirect = uri === undefined ? undefined : xml('redirect', { uri })
  await node.take(() => service.delete(node, uri))
  if (node.config.notify_delete) await notify(service, node, eventElement(xml('delete', { node: node.id }, redirect)))
  await service.rules.changed({ service, node: node.id, cause: undefined })
}

function configurationEvent(service: Service, node: Node) {
  const form = node.config.deliver_payloads ? configResult(node.config, service.bounds) : undefined
  return eventElement(xml('configuration', { node: node.id }, form))
}

/** §8.1.2: what the service cannot find out, such as who is in a roster, it cannot decide by. */
function checkModel({ rules }: Service, { access_model: model }: Partial<NodeConfig>): void {
  if (model !== undefined && !rules.accessModels.includes(model)) throw pubsubError('unsupported-access-model')
}

/** Items of a node that may now hold fewer, or none. */
async function dropSurplus(service: Service, node: Node): Promise<void> {
  const { persist_items: isPersistent, max_items: most } = node.config
  if (!isPersistent) return service.clearItems(node)
  const items = await service.items(node)
  const surplus = items.slice(0, most === 'max' ? 0 : Math.max(0, items.length - most))
  if (surplus.length > 0) await service.removeItems(node, surplus)
}

/** Subscribers who may no longer read are told so; listeners who may from now on see what there is (§12.2). */
async function followAccess(service: Service, node: Node, before: NodeConfig): Promise<void> {
  const { config } = node
  if (config.access_model === before.access_model && !config.roster_groups_allowed.length) return
  await reviewSubscribers(service, node)
  if (config.send_last_published_item !== 'on_sub_and_presence') return
  for (const { jid, interests } of service.rules.listeners()) {
    if (!interests.has(node.id)) continue
    const relation = service.relation(node, jid)
    const could = denialOf(before.access_model, relation) === undefined
    if (!could && denialOf(config.access_model, relation) === undefined) await sendLastItem(service, node, jid)
  }
}

/** Subscribers who may no longer read go, and those need not wait any more who may (§8.7.4, §12.14). */
export async function reviewSubscribers(service: Service, node: Node): Promise<void> {
  const changes = new Map<string, Subscription | undefined>()
  for (const [address, subscription] of node.subscriptions) {
    const waits = subscription.state === 'pending'
    const denial = denialOf(node.config.access_model, service.relation(node, service.rules.parseJid(address)))
    if (denial === undefined && waits) changes.set(address, { ...subscription, state: 'subscribed' })
    if (denial !== undefined && !(waits && denial === 'needs-approval')) changes.set(address, undefined)
  }
  if (changes.size === 0) return
  await service.setSubscriptions(node, changes)
  await tellSubscriptions(service, node, changes)
}
