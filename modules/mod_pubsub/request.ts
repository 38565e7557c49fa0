/** XEP-0060: a request on its way, and what all kinds of requests have in common. */
import type { Jid } from '../../server/jid/jid.ts'
import { pubsubError } from '../../server/protocol/pubsub-error.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import { type Child, type Element, xml } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'
import type { Node } from './node.ts'
import type { Service } from './service.ts'

export interface Request {
  readonly service: Service
  readonly who: Jid
  /** The payload as a whole. */
  readonly pubsub: Element
  /** Its first child. */
  readonly action: Element
  /** Runs when the answer is out. */
  readonly after: (run: () => void) => void
}

/** Gives the payload of the answer, or nothing. Throws StanzaError. */
export type RequestHandler = (request: Request) => Promise<Element | undefined>

export function pubsubElement(...children: readonly (Child | undefined)[]): Element {
  return xml('pubsub', { xmlns: NS.pubsub }, ...children)
}

export function ownerElement(...children: readonly (Child | undefined)[]): Element {
  return xml('pubsub', { xmlns: NS.pubsubOwner }, ...children)
}

/** The node of a request that only its owners may make. Throws StanzaError. */
export function nodeOfOwner({ service, who, action }: Request): Node {
  const node = service.require(action.attrs['node'])
  if (service.affiliationOf(node, who) !== 'owner') throw new StanzaError('forbidden')
  return node
}

/**
 * The subscribed address that a request names, which is one of those who send it. A stranger's is refused in the words
 * of §11; §6.1.3.1 has other ones for subscribing.
 */
export function ownAddress({ service, who, action }: Request): Jid {
  const { jid } = action.attrs
  if (jid === undefined) throw pubsubError('jid-required')
  let address: Jid
  try {
    address = service.rules.parseJid(jid)
  } catch (cause) {
    throw new StanzaError('jid-malformed', undefined, { cause })
  }
  if (address.bare !== who.bare) throw pubsubError('invalid-jid', undefined, 'forbidden')
  return address
}
