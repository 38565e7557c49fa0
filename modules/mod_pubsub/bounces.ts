/** XEP-0060 §12.4: what comes back of notifications. */
import type { Jid } from '../../server/jid/jid.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import { NS } from '../../server/xml/ns.ts'
import type { Stanza } from '../../server/xml/stanza.ts'
import type { Service } from './service.ts'

/**
 * Whether a message says that nobody will ever be at that address: a client that is not there any more comes back with
 * another subscription. People come back to theirs, unless they have gone for good.
 */
export function isLost(stanza: Stanza, from: Jid): boolean {
  if (stanza.type !== 'error') return false
  const { type, condition } = StanzaError.fromElement(stanza.child('error', NS.client))
  // That a server cannot be found now says nothing about its clients.
  if (condition === 'remote-server-not-found') return false
  return condition === 'gone' || (from.resource !== undefined && type === 'cancel')
}

/** Ends the subscriptions of an address. */
export async function forget(service: Service, { full }: Jid): Promise<void> {
  for (const node of service.nodes) {
    if (node.subscriptions.has(full)) await service.setSubscriptions(node, [[full, undefined]])
  }
}
