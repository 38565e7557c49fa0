/** XEP-0465: who has subscribed to a node and says so, as the items of another node that is not really there. */
import { StanzaError } from '../../server/stanza-error.ts'
import { type Element, xml } from '../../server/xml/element.ts'
import { requireReader } from './events.ts'
import { type Item, payloadOf } from './item.ts'
import { isCurrent, Node } from './node.ts'
import type { Request, RequestHandler } from './request.ts'
import { itemsAnswer } from './retrieving.ts'

export const NS_PUBLIC = 'urn:xmpp:pps:0'
const PREFIX = 'urn:xmpp:pps:subscribers:0/'

/** Whether somebody who subscribes wants others to know. */
export function isPublic(subscribe: Element): boolean {
  return subscribe.child('public', NS_PUBLIC) !== undefined
}

/** What answers requests about a node that shows subscribers; undefined for any other node. */
export function handlerForSubscribers(node: string | undefined, kind: string): RequestHandler | undefined {
  if (node?.startsWith(PREFIX) !== true) return undefined
  if (kind === 'pubsub get items') return showSubscribers
  // Nobody makes it, and nobody writes there (§6).
  return kind.includes(' set ') ? refuse : absent
}

/** To whoever may read the node itself. */
async function showSubscribers(request: Request): Promise<Element> {
  const { service, who, action } = request
  const id = action.attrs['node'] ?? ''
  const node = service.require(id.slice(PREFIX.length))
  requireReader(service, node, who)
  const shown = [...node.subscriptions].filter(([, it]) => it.isPublic === true && isCurrent(it, service.now))
  const items = shown.map(([jid], place): Item => {
    const payload = payloadOf(xml('subscriber', { xmlns: NS_PUBLIC, jid }))
    return { id: jid, seq: place, createdAt: node.createdAt, publishedAt: node.createdAt, publisher: jid, payload }
  })
  return itemsAnswer(request, new Node(id, node.stored, node.config), items)
}

async function refuse(): Promise<never> {
  throw new StanzaError('forbidden')
}

async function absent(): Promise<never> {
  throw new StanzaError('item-not-found')
}
