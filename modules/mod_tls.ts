/** RFC 6120 §5: STARTTLS. */
import { defineModule } from '../server/host/module.ts'
import { xml } from '../server/xml/element.ts'
import { NS } from '../server/xml/ns.ts'

export default defineModule({
  name: 'tls',
  about: 'lets clients turn a plain connection to TLS',
  rfcs: [6120, 7590],
  on: ['local'],

  setup(host) {
    host.streamFeature({
      needs: [],
      forbids: ['secure', 'authenticated'],
      offer: ({ transport, needsTls }) =>
        transport.canStartTls
          ? xml('starttls', { xmlns: NS.tls }, needsTls && xml('required', { xmlns: NS.tls }))
          : undefined,
    })

    host.nonza({ ns: NS.tls, name: 'starttls' }, async (stream) => {
      const mayStart = stream.transport.canStartTls && !stream.facts.has('secure') && !stream.facts.has('authenticated')
      if (mayStart) return stream.startTls(xml('proceed', { xmlns: NS.tls }))
      // Failing TLS ends the stream (RFC 6120 §5.4.2.2).
      stream.send(xml('failure', { xmlns: NS.tls }))
      stream.close()
    })
  },
})
