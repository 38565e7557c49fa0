/** XEP-0060 §7, §8.5: publishing items, and removing them. */
import type { Jid } from '../../server/jid/jid.ts'
import { pubsubError, unsupported } from '../../server/protocol/pubsub-error.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import { xml } from '../../server/xml/element.ts'
import { mayPublish } from './access.ts'
import { eventElement, notify, publishedEvent, retractedEvent } from './events.ts'
import { charsOf, type Item, type Payload, type StoredItem, sumOfChars } from './item.ts'
import { createNode, newConfig } from './nodes.ts'
import type { Node } from './node.ts'
import { checkPreconditions, type NodeConfig } from './node-config.ts'
import { checkId, type NodeChange, type Service } from './service.ts'

export interface Publication {
  /** Undefined for a publication without an item: something has happened, and that is all. */
  readonly item: { readonly id: string | undefined; readonly payload: Payload | undefined } | undefined
  /** How the node must be configured, or is if it has to be made. */
  readonly required?: Partial<NodeConfig> | undefined
  /** The part of the server that publishes on its own account. */
  readonly cause?: string | undefined
}

/** Gives the item as it is now in the node. Throws StanzaError. */
export async function publish(
  service: Service,
  id: string | undefined,
  who: Jid,
  { item: given, required = {}, cause }: Publication,
): Promise<Item | undefined> {
  const node = service.find(id ?? '') ?? (await nodeToMake(service, id, who, required, given))
  if (!mayPublish(node.config.publish_model, service.relation(node, who))) throw new StanzaError('forbidden')
  checkPreconditions(node.config, required)
  checkItem(service, node.config, given)
  const item = await node.take(async () => {
    if (given === undefined) {
      await notify(service, node, publishedEvent(service, node, undefined))
      return undefined
    }
    const { id: itemId = service.rules.random.id(), payload } = given
    return node.config.persist_items
      ? store(service, node, who, itemId, payload)
      : pass(service, node, who, itemId, payload)
  })
  if (item !== undefined) await tell({ service, node: node.id, published: item, cause })
  return item
}

/** Removes items; all of them or none. Throws StanzaError. */
export async function retract(
  service: Service,
  node: Node,
  who: Jid,
  { ids, notice, cause }: { ids: readonly string[]; notice: boolean | undefined; cause?: string | undefined },
): Promise<void> {
  const relation = service.relation(node, who)
  if (!mayPublish(node.config.publish_model, relation)) throw new StanzaError('forbidden')
  if (!node.config.persist_items && node.transient === undefined) throw unsupported('persistent-items')
  await node.take(async () => {
    const items = await service.items(node)
    const found = ids.map((id) => items.find((item) => item.id === id)).filter((item) => item !== undefined)
    if (found.length < ids.length) throw new StanzaError('item-not-found')
    // Owners remove what they like; others what they have published (§4.1).
    const { affiliation } = relation
    if (affiliation !== 'owner' && found.some(({ publisher }) => publisher !== who.bare))
      throw new StanzaError('forbidden')
    await service.removeItems(node, found)
    // The request decides whether others hear of it, and if it does not say, the node (§7.2.2.1).
    if (notice ?? node.config.notify_retract) await notify(service, node, retractedEvent(node, ids))
  })
  await tell({ service, node: node.id, retracted: ids, cause })
}

/** Removes every item (§8.5). */
export async function purge(service: Service, node: Node, cause?: string): Promise<void> {
  if (!node.config.persist_items) throw unsupported('persistent-items')
  await node.take(async () => {
    await service.clearItems(node)
    await notify(service, node, eventElement(xml('purge', { node: node.id })))
  })
  await tell({ service, node: node.id, cause })
}

/** After the node is free again: whoever follows it may publish elsewhere, and be followed back. */
async function tell(change: NodeChange): Promise<void> {
  await change.service.rules.changed(change)
}

/** A node that is not there is made for what is published to it, unless that is refused (§7.1.4). */
async function nodeToMake(
  service: Service,
  id: string | undefined,
  who: Jid,
  required: Partial<NodeConfig>,
  item: Publication['item'],
): Promise<Node> {
  if (!service.rules.autoCreate || id === undefined || id === '') return service.require(id)
  const config = newConfig(service, id, required)
  checkItem(service, config, item)
  if (config.persist_items && item !== undefined) {
    checkRoom(service, charsOf({ id: item.id ?? '', payload: item.payload }))
  }
  return createNode(service, id, who, required)
}

/** §7.1.3: whether an item is as the node needs it (table in §4.3). */
function checkItem(
  { rules }: Service,
  { persist_items: isPersistent, deliver_payloads: hasPayloads, max_payload_size: most }: NodeConfig,
  item: Publication['item'],
): void {
  if (!isPersistent && !hasPayloads) {
    if (item !== undefined) throw pubsubError('item-forbidden')
    return
  }
  if (item === undefined) throw pubsubError(isPersistent ? 'item-required' : 'payload-required')
  if (hasPayloads && item.payload === undefined) throw pubsubError('payload-required')
  if (item.id !== undefined) checkId(item.id)
  const { xml: text = '' } = item.payload ?? {}
  if (text.length > rules.limits.payloadChars || (most > 0 && Buffer.byteLength(text) > most)) {
    throw pubsubError('payload-too-big')
  }
}

async function store(service: Service, node: Node, who: Jid, id: string, payload: Payload | undefined): Promise<Item> {
  const items = await service.items(node)
  const former = items.find((item) => item.id === id)
  const others = items.filter((item) => item.id !== id)
  const { max_items: most, publish_node_full: whenFull, notify_retract: tells } = node.config
  const surplus = others.length + 1 - Math.min(most === 'max' ? Infinity : most, service.rules.limits.items)
  if (surplus > 0 && former === undefined && whenFull === 'reject') throw pubsubError('node-full')
  const evicted = others.slice(0, Math.max(0, surplus))

  const now = service.now
  const item: Item = {
    id,
    seq: (items.at(-1)?.seq ?? 0) + 1,
    createdAt: former?.createdAt ?? now,
    publishedAt: now,
    publisher: who.bare,
    payload,
  }
  const growth = charsOf(item) - sumOfChars(former === undefined ? evicted : [former, ...evicted])
  checkRoom(service, growth)
  const gone = evicted.map((one) => [one.id, undefined] as const)
  await service.setItems(node, [[id, storedItem(item)], ...gone], growth)
  if (evicted.length > 0 && whenFull === 'retract-oldest' && tells) {
    const ids = evicted.map((one) => one.id)
    await notify(service, node, retractedEvent(node, ids))
  }
  await notify(service, node, publishedEvent(service, node, item), item)
  return item
}

function checkRoom(service: Service, growth: number): void {
  if (growth > 0 && !service.hasRoomFor(growth)) throw new StanzaError('resource-constraint', 'There is no more room')
}

/** A node that stores nothing passes on what it gets, and remembers the last of it for those who come (§12.10). */
async function pass(service: Service, node: Node, who: Jid, id: string, payload: Payload | undefined): Promise<Item> {
  const now = service.now
  const item: Item = { id, seq: 1, createdAt: now, publishedAt: now, publisher: who.bare, payload }
  node.transient = item
  await notify(service, node, publishedEvent(service, node, item), item)
  return item
}

function storedItem({ seq, createdAt, publishedAt, publisher, payload }: Item): StoredItem {
  return { seq, createdAt, publishedAt, publisher, payload }
}
