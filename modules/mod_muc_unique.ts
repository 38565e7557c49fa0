/** XEP-0307: Unique Room Names for Multi-User Chat. */
import { defineModule } from '../server/host/module.ts'
import { xml } from '../server/xml/element.ts'

const NS_UNIQUE = 'http://jabber.org/protocol/muc#unique'

export default defineModule({
  name: 'muc_unique',
  about: 'makes up names for rooms',
  xeps: { 307: '0.1' },
  on: ['muc'],

  setup(host) {
    host.feature(NS_UNIQUE)
    // Of so many bits that nobody gets one twice, and that nobody guesses. Nodes are lower case.
    host.iq({ type: 'get', ns: NS_UNIQUE, name: 'unique', at: 'host' }, () =>
      xml('unique', { xmlns: NS_UNIQUE }, host.random.bytes(16).toString('hex')),
    )
  },
})
