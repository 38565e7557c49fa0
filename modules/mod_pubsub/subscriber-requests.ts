/** XEP-0060 §5.6, §5.7, §6: what subscribers, and those who want to be, ask of a service. */
import { formIn } from '../../server/protocol/raw-form.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import { xml } from '../../server/xml/element.ts'
import { requireReader, sendLastItem } from './events.ts'
import type { Node } from './node.ts'
import { isPublic } from './public-subscribers.ts'
import { ownAddress, pubsubElement, type Request, type RequestHandler } from './request.ts'
import { itemsAnswer } from './retrieving.ts'
import { requireSubscription, subscribe, subscriptionsOf, unsubscribe } from './subscribing.ts'
import { optionsForm, optionsResult, readOptions, usualOptions } from './subscription-options.ts'

export const subscriberRequests: Readonly<Record<string, RequestHandler>> = {
  /** §6.1, §6.3.7. */
  'pubsub set subscribe': async (request) => {
    const { service, pubsub, action, after } = request
    const address = ownAddress(request)
    const node = service.require(action.attrs['node'])
    const wanted = pubsub.child('options')
    const options = wanted && (readOptions(formIn(wanted), usualOptions, service.now, service.bounds) ?? usualOptions)
    const chosen = { options: options ?? usualOptions, isPublic: isPublic(action) }
    const { state } = await subscribe(service, node, address, chosen)
    if (state === 'subscribed' && node.config.send_last_published_item !== 'never') {
      after(() => void sendLastItem(service, node, address))
    }
    return pubsubElement(
      subscriptionElement(node, address.full, state),
      options && xml('options', {}, optionsResult(options, service.bounds)),
    )
  },

  /** §6.2. */
  'pubsub set unsubscribe': async (request) => {
    const address = ownAddress(request)
    const node = request.service.require(request.action.attrs['node'])
    await unsubscribe(request.service, node, address)
    return pubsubElement(subscriptionElement(node, address.full, 'none'))
  },

  /** §6.3.2. */
  'pubsub get options': async (request) => {
    const address = ownAddress(request)
    const node = request.service.require(request.action.attrs['node'])
    const { options } = requireSubscription(node, address)
    return pubsubElement(
      xml('options', { node: node.id, jid: address.full }, optionsForm(options, request.service.bounds)),
    )
  },

  /** §6.3.5. */
  'pubsub set options': async (request) => {
    const { service, action } = request
    const address = ownAddress(request)
    const node = service.require(action.attrs['node'])
    const subscription = requireSubscription(node, address)
    const options = readOptions(formIn(action), subscription.options, service.now, service.bounds)
    if (options !== undefined) await service.setSubscriptions(node, [[address.full, { ...subscription, options }]])
    return undefined
  },

  /** §6.4. */
  'pubsub get default': async ({ service, action }) => {
    const { node } = action.attrs
    if (node !== undefined) service.require(node)
    return pubsubElement(xml('default', { node }, optionsForm(usualOptions, service.bounds)))
  },

  /** §5.6. */
  'pubsub get subscriptions': async ({ service, who, action }) => {
    const nodes = nodesAsked(service, action.attrs['node'])
    const lines = subscriptionsOf(service, who, nodes).map(({ node, address, state }) =>
      subscriptionElement(node, address, state),
    )
    return pubsubElement(xml('subscriptions', { node: action.attrs['node'] }, ...lines))
  },

  /** §5.7. */
  'pubsub get affiliations': async ({ service, who, action }) => {
    const nodes = [...nodesAsked(service, action.attrs['node'])]
    const lines = nodes.map((node) => ({ node, affiliation: service.affiliationOf(node, who) }))
    const elements = lines
      .filter(({ affiliation }) => affiliation !== 'none')
      .map(({ node, affiliation }) => xml('affiliation', { node: node.id, affiliation }))
    return pubsubElement(xml('affiliations', { node: action.attrs['node'] }, ...elements))
  },

  /** §6.5. */
  'pubsub get items': async (request) => {
    const { service, who, action } = request
    if (action.attrs['subid'] !== undefined && action.attrs['node'] === undefined) throw new StanzaError('bad-request')
    const node = service.require(action.attrs['node'])
    requireReader(service, node, who)
    return itemsAnswer(request, node, await service.items(node))
  },
}

function nodesAsked(service: Request['service'], id: string | undefined): Iterable<Node> {
  return id === undefined ? service.nodes : [service.require(id)]
}

function subscriptionElement({ id }: Node, jid: string, subscription: string) {
  return xml('subscription', { node: id, jid, subscription })
}
