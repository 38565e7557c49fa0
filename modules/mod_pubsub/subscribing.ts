/** XEP-0060 §6.1, §6.2, §8.6: subscriptions, from the request to the end. */
import type { Jid } from '../../server/jid/jid.ts'
import { renderForm } from '../../server/protocol/data-form.ts'
import type { Field } from '../../server/protocol/form-field.ts'
import { pubsubError, unsupported } from '../../server/protocol/pubsub-error.ts'
import { fieldsOf, FORM_TYPE, type RawForm, readForm, valueIn } from '../../server/protocol/raw-form.ts'
import { parseBoolean } from '../../server/protocol/xsd.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import { message } from '../../server/xml/build.ts'
import { xml } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'
import type { Stanza } from '../../server/xml/stanza.ts'
import { denialOf, denials } from './access.ts'
import { eventElement, tellSubscriptions } from './events.ts'
import { isCurrent, type Node, type Subscription } from './node.ts'
import { checkId, type Service } from './service.ts'
import { usualOptions } from './subscription-options.ts'

/** Addresses of one entity that may be subscribed to a node. */
const MOST_ADDRESSES = 20

/** Subscribes an address to a node, or asks its owners whether it may be. Throws StanzaError. */
export async function subscribe(
  service: Service,
  node: Node,
  address: Jid,
  { options, isPublic }: Omit<Subscription, 'state'> = { options: usualOptions },
): Promise<Subscription> {
  const former = node.subscriptions.get(address.full)
  if (former?.state === 'pending') throw pubsubError('pending-subscription')
  if (!node.config.subscribe) throw unsupported('subscribe')
  const denial = denialOf(node.config.access_model, service.relation(node, address))
  if (denial !== undefined && denial !== 'needs-approval') throw denials[denial]()
  if (former === undefined) checkNumber(service, node, address)
  const state = denial === undefined ? 'subscribed' : 'pending'
  const subscription: Subscription = { state, options, ...(isPublic === true && { isPublic }) }
  await service.setSubscriptions(node, [[address.full, subscription]])
  if (subscription.state === 'pending') askToDecide(service, node, address.full, node.owners)
  else tellOwners(service, node, address.full, 'subscribed')
  return subscription
}

/** Throws StanzaError if that address is not subscribed. */
export async function unsubscribe(service: Service, node: Node, address: Jid): Promise<void> {
  requireSubscription(node, address)
  await service.setSubscriptions(node, [[address.full, undefined]])
  tellOwners(service, node, address.full, 'none')
}

/** What a subscriber has chosen, or who waits to be one. Throws StanzaError if there is no such. */
export function requireSubscription(node: Node, address: Jid): Subscription {
  const subscription = node.subscriptions.get(address.full)
  if (subscription === undefined) throw pubsubError('not-subscribed')
  return subscription
}

/** Every subscription of an entity, by node. */
export function subscriptionsOf(
  service: Service,
  who: Jid,
  nodes: Iterable<Node> = service.nodes,
): readonly { readonly node: Node; readonly address: string; readonly state: Subscription['state'] }[] {
  return [...nodes].flatMap((node) =>
    node
      .subscriptionsOf(who)
      .filter(([, subscription]) => subscription.state === 'pending' || isCurrent(subscription, service.now))
      .map(([address, { state }]) => ({ node, address, state })),
  )
}

/** Sends owners of a node the form by which they let somebody subscribe (§8.6). */
export function askToDecide(service: Service, node: Node, address: string, owners: readonly string[]): void {
  const { rules } = service
  const fields: readonly Field[] = [
    { type: 'text-single', var: 'pubsub#node', label: 'Node ID', default: node.id },
    { type: 'jid-single', var: 'pubsub#subscriber_jid', label: 'Subscriber Address', default: rules.parseJid(address) },
    { type: 'boolean', var: 'pubsub#allow', label: 'Allow this JID to subscribe to this pubsub node?', default: false },
  ]
  const form = renderForm({ type: NS_AUTHORIZATION, title: 'PubSub subscriber request', fields })
  for (const owner of owners) {
    rules.send(rules.parseJid(owner), message({ from: rules.jid.full, to: owner, id: rules.random.id() }, form))
  }
}

/** The answer of an owner to such a form, if a message holds one. Throws StanzaError if it makes no sense. */
export function decisionIn(stanza: Stanza): RawForm | undefined {
  const x = stanza.child('x', NS.dataForms)
  if (x === undefined || x.attrs['type'] !== 'submit') return undefined
  const isOurs = fieldsOf(x).some((field) => field.var === FORM_TYPE && field.values[0] === NS_AUTHORIZATION)
  return isOurs ? readForm(x) : undefined
}

/** Does what an owner has decided; nothing if somebody else was quicker. Throws StanzaError. */
export async function takeDecision(service: Service, who: Jid, form: RawForm): Promise<void> {
  const node = service.require(valueIn(form, 'pubsub#node'))
  if (service.affiliationOf(node, who) !== 'owner') throw new StanzaError('forbidden')
  const address = valueIn(form, 'pubsub#subscriber_jid') ?? ''
  const subscription = node.subscriptions.get(address)
  if (subscription?.state !== 'pending') return
  const isAllowed = parseBoolean(valueIn(form, 'pubsub#allow') ?? '') === true
  const change = [address, isAllowed ? ({ ...subscription, state: 'subscribed' } as const) : undefined] as const
  await service.setSubscriptions(node, [change])
  await tellSubscriptions(service, node, [change])
}

export const NS_AUTHORIZATION = 'http://jabber.org/protocol/pubsub#subscribe_authorization'

function checkNumber(service: Service, node: Node, address: Jid): void {
  checkId(address.full)
  const own = subscriptionsOf(service, address, [node])
  if (own.length >= MOST_ADDRESSES || node.subscriptions.size >= service.rules.limits.subscriptions) {
    throw pubsubError('too-many-subscriptions')
  }
  service.checkLinks(1)
}

/** `pubsub#notify_sub`: owners hear of those who come and go. */
function tellOwners({ rules }: Service, node: Node, address: string, state: 'subscribed' | 'none'): void {
  if (!node.config.notify_sub) return
  const event = eventElement(xml('subscription', { node: node.id, jid: address, subscription: state }))
  for (const owner of node.owners) {
    rules.send(
      rules.parseJid(owner),
      message({ from: rules.jid.full, to: owner, id: rules.random.id(), type: 'headline' }, event),
    )
  }
}
