/** XEP-0199: XMPP Ping. */
import { defineModule } from '../server/host/module.ts'

const NS_PING = 'urn:xmpp:ping'

export default defineModule({
  name: 'ping',
  about: 'answers pings',
  xeps: { 199: '2.0.1' },
  on: ['local', 'muc'],

  setup(host) {
    host.feature(NS_PING)
    host.iq({ type: 'get', ns: NS_PING, name: 'ping', at: 'host' }, () => {})
    host.iq({ type: 'get', ns: NS_PING, name: 'ping', at: 'account' }, () => {})
  },
})
