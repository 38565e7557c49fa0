/** XEP-0199: XMPP Ping. */
import { defineModule } from '../server/host/module.ts'
import { StanzaError } from '../server/stanza-error.ts'
import { NS } from '../server/xml/ns.ts'

export default defineModule({
  name: 'ping',
  about: 'answers pings',
  xeps: { 199: '2.0.1' },
  on: ['local', 'muc', 'pubsub'],

  setup(host) {
    host.feature(NS.ping)
    host.iq({ type: 'get', ns: NS.ping, name: 'ping', at: 'host' }, () => {})
    if (host.kind !== 'local') return
    // To others there is nobody: an answer would tell them which accounts there are (RFC 6120 §13.11).
    host.iq({ type: 'get', ns: NS.ping, name: 'ping', at: 'account' }, async ({ from, to }) => {
      if ((await host.optionalService('roster')?.mayKnow(from, to)) !== true)
        throw new StanzaError('service-unavailable')
    })
  },
})
