/** RFC 6120 §5: STARTTLS. */
import { defineModule } from '../server/host/module.ts'
import { xml } from '../server/xml/element.ts'
import { NS } from '../server/xml/ns.ts'
import { written } from '../server/xml/raw-element.ts'

const VOLUNTARY = written(xml('starttls', { xmlns: NS.tls }))
const REQUIRED = written(xml('starttls', { xmlns: NS.tls }, xml('required', {})))

export default defineModule({
  name: 'tls',
  about: 'lets clients turn a plain connection to TLS',
  rfcs: [6120, 7590],
  on: ['local'],

  setup(host) {
    host.streamFeature({
      needs: [],
      forbids: ['secure', 'authenticated'],
      offer({ transport, needsTls }) {
        if (!transport.canStartTls) return undefined
        return needsTls ? REQUIRED : VOLUNTARY
      },
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
