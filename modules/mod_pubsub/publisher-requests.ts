/** XEP-0060 §7: what publishers ask of a service. */
import { pubsubError } from '../../server/protocol/pubsub-error.ts'
import { formIn } from '../../server/protocol/raw-form.ts'
import { parseBoolean } from '../../server/protocol/xsd.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import { type Element, xml } from '../../server/xml/element.ts'
import { payloadOf } from './item.ts'
import { type ConfigBounds, type NodeConfig, readPreconditions } from './node-config.ts'
import { publish, type Publication, retract } from './publishing.ts'
import { pubsubElement, type RequestHandler } from './request.ts'

/** Items that can be retracted at once (§12.11). */
const MOST_AT_ONCE = 100

export const publisherRequests: Readonly<Record<string, RequestHandler>> = {
  /** §7.1. */
  'pubsub set publish': async ({ service, who, pubsub, action }) => {
    const id = action.attrs['node']
    const required = preconditions(pubsub.child('publish-options'), service.bounds)
    const item = await publish(service, id, who, { item: itemIn(action), required })
    return pubsubElement(xml('publish', { node: id }, item && xml('item', { id: item.id })))
  },

  /** §7.2. */
  'pubsub set retract': async ({ service, who, action }) => {
    const node = service.require(action.attrs['node'])
    const ids = itemsIn(action).map(({ attrs }) => attrs['id'] ?? '')
    if (ids.length === 0 || ids.includes('')) throw pubsubError('item-required')
    if (ids.length > MOST_AT_ONCE) throw new StanzaError('not-acceptable', 'Too many at once')
    const { notify } = action.attrs
    const notice = notify === undefined ? undefined : parseBoolean(notify)
    await retract(service, node, who, { ids: [...new Set(ids)], notice })
    return undefined
  },
}

function preconditions(options: Element | undefined, bounds: ConfigBounds): Partial<NodeConfig> | undefined {
  return options === undefined ? undefined : readPreconditions(formIn(options), bounds)
}

/** One at a time (§7.1.1), with one payload that says what it is (§7.1.3.6). */
function itemIn(action: Element): Publication['item'] {
  const [item, another] = itemsIn(action)
  if (another !== undefined) throw new StanzaError('bad-request', 'Publish one item at a time')
  if (item === undefined) return undefined
  const [payload, other] = item.elements
  if (other !== undefined || payload?.ns === '') throw pubsubError('invalid-payload')
  const { id } = item.attrs
  return { id: id === '' ? undefined : id, payload: payload && payloadOf(payload) }
}

function itemsIn({ elements, ns }: Element): readonly Element[] {
  return elements.filter((child) => child.name === 'item' && child.ns === ns)
}
