/** RFC 6120 §7: binding a resource. */
import { t } from '../server/config/types.ts'
import { defineModule } from '../server/host/module.ts'
import { Jid } from '../server/jid/jid.ts'
import { handled } from '../server/routed-stanza.ts'
import { StanzaError } from '../server/stanza-error.ts'
import { StreamError } from '../server/stream/stream-error.ts'
import { reply } from '../server/xml/build.ts'
import { xml } from '../server/xml/element.ts'
import { NS } from '../server/xml/ns.ts'

export default defineModule({
  name: 'bind',
  about: 'gives each client of an account a resource of its own',
  rfcs: [6120],
  on: ['local'],
  config: {
    max_resources: t.integer({ min: 1, max: 1000 }).default(20).describe('Clients that an account may have at once.'),
  },

  setup(host, { config }) {
    host.streamFeature({
      needs: ['authenticated'],
      forbids: ['bound'],
      offer: () => xml('bind', { xmlns: NS.bind }),
    })

    host.streamIq({ type: 'set', ns: NS.bind, name: 'bind' }, async (stream, payload, iq) => {
      const { identity } = stream
      if (identity === undefined) throw new StreamError('not-authorized', 'Log in first')
      const resource = resourceOf(payload.child('resource')?.getText())
      // While we wait, the last other session of the account may end.
      using held = host.holdAccount(identity)
      const { account } = held
      await host.fire('session/binding', { account, stream })
      if (stream.closed) return handled
      // RFC 6120 §7.6.2.1; replacing an old session does not add one.
      if (account.size >= config.max_resources && account.session(resource) === undefined) {
        throw new StanzaError('resource-constraint')
      }
      const jid = account.jid.withResource(resource)
      // The client hears of its resource before anybody can write to it.
      stream.send(reply(iq, xml('bind', { xmlns: NS.bind }, xml('jid', { xmlns: NS.bind }, jid.full))))
      host.bindSession(stream, account, resource)
      return handled
    })

    // Some clients still ask for what RFC 3921 needed and RFC 6121 dropped.
    host.streamFeature({
      needs: ['authenticated'],
      forbids: ['bound'],
      offer: () => xml('session', { xmlns: NS.session }, xml('optional', { xmlns: NS.session })),
    })
    host.iq({ type: 'set', ns: NS.session, name: 'session', at: 'self' }, () => {})
    host.iq({ type: 'set', ns: NS.session, name: 'session', at: 'host' }, () => {})

    /** What cannot be used is replaced rather than refused (RFC 6120 §7.7.2.1). */
    function resourceOf(wished = ''): string {
      return Jid.tryParse(`${host.domain}/${wished}`)?.resource ?? host.random.id()
    }
  },
})
