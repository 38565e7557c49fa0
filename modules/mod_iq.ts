/** RFC 6121 §8.5.3: delivering requests and answers to clients. */
import { handled, type Handled, type StanzaEvent } from '../server/routed-stanza.ts'
import { defineModule } from '../server/host/module.ts'

export default defineModule({
  name: 'iq',
  about: 'delivers requests and answers to clients',
  rfcs: [6120, 6121],
  on: ['local'],

  setup(host) {
    host.on('incoming/iq', deliver, 'deliver')

    /** To a full JID: its client, or nobody; the server answers for bare JIDs (RFC 6121 §8.5.2, §8.5.3). */
    function deliver({ stanza, to }: StanzaEvent): Handled | undefined {
      if (to.resource === undefined) return undefined
      const delivered = host.account(to.bare)?.session(to.resource)?.send(stanza) ?? false
      return delivered ? handled : undefined
    }
  },
})
