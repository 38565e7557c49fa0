/** XEP-0060 §7.1.2, §12.2: telling those who follow a node what has happened to it. */
import type { Jid } from '../../server/jid/jid.ts'
import { delayElement } from '../../server/protocol/delay.ts'
import type { Maybe } from '../../server/util/maybe.ts'
import { inSlices } from '../../server/util/slices.ts'
import { Broadcast } from '../../server/xml/broadcast.ts'
import { message } from '../../server/xml/build.ts'
import { type Element, xml } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'
import type { Stanza } from '../../server/xml/stanza.ts'
import { denialOf, denials } from './access.ts'
import { type Item, itemElement } from './item.ts'
import { isCurrent, type Node, type Subscription } from './node.ts'
import type { Listener, Service } from './service.ts'
import { summaryOf } from './summary.ts'

/** An item that has been published. */
export function publishedEvent(service: Service, node: Node, item: Item | undefined): Element {
  const { deliver_payloads: withPayload } = node.config
  const shown = item && (withPayload ? item : { ...item, payload: undefined })
  const children = shown === undefined ? [] : [itemElement(shown, publisherShown(service, node, shown))]
  return eventElement(xml('items', { node: node.id }, ...children))
}

export function retractedEvent(node: Node, ids: readonly string[]): Element {
  return eventElement(xml('items', { node: node.id }, ...ids.map((id) => xml('retract', { id }))))
}

export function eventElement(child: Element): Element {
  return xml('event', { xmlns: NS.pubsubEvent }, child)
}

/** The JID that an item is shown with, if any (§12.17). */
export function publisherShown({ rules }: Service, { config, owners }: Node, item: Item): string | undefined {
  if (rules.namesPublishers || config.itemreply === 'publisher') return item.publisher
  return config.itemreply === 'owner' ? owners[0] : undefined
}

/** Tells everybody who follows a node and may. `item` is what it is about, for those who want it in words. */
export function notify(service: Service, node: Node, event: Element, item?: Item): Maybe<void> {
  if (!node.config.deliver_notifications) return undefined
  const stanza = notification(service, node, event)
  const broadcast = new Broadcast(stanza)
  const told = new Set<string>()
  for (const { jid, interests } of service.rules.listeners()) {
    if (!interests.has(node.id) || !mayRead(service, node, jid)) continue
    told.add(jid.full).add(jid.bare)
    service.rules.send(jid, broadcast.for(jid.full))
  }
  return inSlices(node.subscriptions, ([address, subscription]) => {
    // Who listens at some client has been told there (XEP-0163 §4.3.2).
    if (told.has(address) || !subscription.options.deliver || !isCurrent(subscription, service.now)) return
    const to = service.rules.parseJid(address)
    if (!mayHear(service, node, to) || !isShownRight(service, to, subscription)) return
    const body = subscription.options.includeBody && item !== undefined ? summaryOf(item) : undefined
    const copy =
      body === undefined
        ? broadcast.for(address)
        : stanza.append(xml('body', { xmlns: NS.client }, body)).with({ to: address })
    service.rules.send(to, copy)
  })
}

/** Shows a listener the last items of all nodes that it is interested in and that show it to whoever comes (§12.2). */
export async function sendLastItems(
  service: Service,
  { jid, interests }: Listener,
  nodes: Iterable<Node> = service.nodes,
): Promise<void> {
  for (const node of nodes) {
    if (node.config.send_last_published_item !== 'on_sub_and_presence' || !interests.has(node.id)) continue
    if (mayRead(service, node, jid)) await sendLastItem(service, node, jid)
  }
}

/** Shows somebody the last item of a node, and when it was published (§6.1.7). */
export async function sendLastItem(service: Service, node: Node, to: Jid): Promise<void> {
  if (!node.config.deliver_notifications) return
  const item = (await service.items(node)).at(-1)
  if (item === undefined) return
  const stanza = notification(service, node, publishedEvent(service, node, item))
  service.rules.send(to, stanza.append(delayElement(new Date(item.publishedAt))).with({ to: to.full }))
}

/** Tells subscribers how their subscriptions stand now, and shows new ones the last item (§12.14, §12.10). */
export async function tellSubscriptions(
  service: Service,
  node: Node,
  changes: Iterable<readonly [address: string, subscription: Subscription | undefined]>,
): Promise<void> {
  for (const [address, subscription] of changes) {
    const state = subscription?.state ?? 'none'
    tellSubscription(service, node, address, state)
    if (state !== 'subscribed' || node.config.send_last_published_item === 'never') continue
    await sendLastItem(service, node, service.rules.parseJid(address))
  }
}

export function tellSubscription(
  service: Service,
  node: Node,
  address: string,
  state: Subscription['state'] | 'none',
): void {
  const event = eventElement(xml('subscription', { node: node.id, jid: address, subscription: state }))
  service.rules.send(service.rules.parseJid(address), notification(service, node, event).with({ to: address }))
}

/** Whether a subscriber may still be one: contacts may have fallen out. Who was approved needs nothing else. */
function mayHear(service: Service, node: Node, who: Jid): boolean {
  const { access_model: model } = node.config
  return denialOf(model === 'authorize' ? 'open' : model, service.relation(node, who)) === undefined
}

/** Whether some client of a subscriber shows itself as it wants to, when it is told (§16.4.2), as far as that is known. */
function isShownRight({ rules }: Service, to: Jid, { options: { shows } }: Subscription): boolean {
  if (shows === undefined) return true
  return rules.showsOf?.(to)?.some((show) => shows.some((wanted) => wanted === show)) ?? true
}

/** Throws StanzaError if somebody may not read a node. */
export function requireReader(service: Service, node: Node, who: Jid): void {
  const denial = denialOf(node.config.access_model, service.relation(node, who))
  if (denial !== undefined) throw denials[denial]()
}

export function mayRead(service: Service, node: Node, who: Jid): boolean {
  return denialOf(node.config.access_model, service.relation(node, who)) === undefined
}

/** A message without an addressee. Its id is for errors that come back (§12.4). */
function notification({ rules }: Service, { config }: Node, event: Element): Stanza {
  const type = config.presence_based_delivery ? 'headline' : config.notification_type
  return message({ from: rules.jid.full, id: rules.random.id(), type: type === 'normal' ? undefined : type }, event)
}
