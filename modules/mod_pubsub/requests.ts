/** XEP-0060: requests, from the payload of an iq to what is done about it. */
import type { IqRequest } from '../../server/host/host.ts'
import { unsupported } from '../../server/protocol/pubsub-error.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import type { Element } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'
import { ownerRequests } from './owner-requests.ts'
import { handlerForSubscribers } from './public-subscribers.ts'
import { publisherRequests } from './publisher-requests.ts'
import type { Service } from './service.ts'
import { subscriberRequests } from './subscriber-requests.ts'
import type { RequestHandler } from './request.ts'

/** Answers a request to the service. Throws StanzaError. */
export async function answer(service: Service, iq: PubsubIq): Promise<Element | undefined> {
  const { payload: pubsub, from: who, stanza } = iq
  const [action] = pubsub.elements
  if (action === undefined) throw new StanzaError('bad-request', 'There is nothing to be done')
  const space = pubsub.ns === NS.pubsubOwner ? 'owner' : 'pubsub'
  const kind = `${space} ${stanza.type} ${action.name}`
  const handler = handlerForSubscribers(action.attrs['node'], kind) ?? handlers.get(kind)
  if (handler === undefined) throw unsupported(action.name === 'collection' ? 'collections' : action.name)
  return handler({ service, who, pubsub, action, after: (run) => iq.afterAnswer(run) })
}

/** What is needed of a request. */
export type PubsubIq = Pick<IqRequest, 'payload' | 'from' | 'stanza' | 'afterAnswer'>

/** By namespace, type and name of the first child, which says what is wanted. */
const handlers: ReadonlyMap<string, RequestHandler> = new Map(
  Object.entries({ ...subscriberRequests, ...publisherRequests, ...ownerRequests }),
)
