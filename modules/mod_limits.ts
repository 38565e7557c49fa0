/** XEP-0478: Stream Limits Advertisement. */
import { defineModule } from '../server/host/module.ts'
import { xml } from '../server/xml/element.ts'
import { NS } from '../server/xml/ns.ts'

export default defineModule({
  name: 'limits',
  about: 'tells clients what they may send',
  xeps: { 478: '0.2.0' },
  on: ['local'],

  setup(host) {
    // Told anew with each header: more is allowed to those who have logged in.
    host.streamFeature({
      needs: [],
      forbids: ['bound'],
      offer: ({ limits, facts }) => {
        const idle = facts.has('authenticated') ? host.optionalService('idle')?.pingAfter : undefined
        return xml(
          'limits',
          { xmlns: NS.streamLimits },
          xml('max-bytes', {}, String(limits.stanzaBytes)),
          idle !== undefined && xml('idle-seconds', {}, String(idle)),
        )
      },
    })
  },
})
