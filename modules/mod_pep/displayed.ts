/** XEP-0490 §4.5: a client says in one message to a contact and to its own account how far it has read. */
import type { ModuleHost } from '../../server/host/host.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import type { Pep } from './index.ts'

export const NS_DISPLAYED = 'urn:xmpp:mds:displayed:0'

export function setupDisplayed(host: ModuleHost<'pubsub' | 'roster' | 'accounts' | 'caps'>, pep: Pep): void {
  host.provide('account-feature', 'urn:xmpp:mds:server-assist:0')

  // Before archives and copies see it (§5.2), and whoever it is for (§7).
  host.on(
    'outgoing/message',
    (event) => {
      if (!event.stanza.has('displayed', NS_DISPLAYED)) return
      const payload = event.stanza.child('displayed', NS_DISPLAYED)
      const { to: id } = event.stanza
      event.stanza = event.stanza.without('displayed', NS_DISPLAYED)
      // The id is the address as it was written (§5.1).
      if (payload === undefined || id === undefined) return
      event.settles(
        pep.publish(event.from.toBare(), NS_DISPLAYED, { id, payload, cause: 'displayed' }).catch((error: unknown) => {
          // The message goes on; whoever has no room for this gets it from the archive.
          if (!(error instanceof StanzaError)) throw error
        }),
      )
    },
    'rewrite',
  )
}
