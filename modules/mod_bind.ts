/** RFC 6120 §7: binding a resource. */
import { t } from '../server/config/types.ts'
import { defineModule } from '../server/host/module.ts'
import { Jid } from '../server/jid/jid.ts'
import { handled } from '../server/routed-stanza.ts'
import type { Account } from '../server/session/account.ts'
import type { ClientSession } from '../server/session/client-session.ts'
import { StanzaError } from '../server/stanza-error.ts'
import type { Stream } from '../server/stream/stream.ts'
import { StreamError } from '../server/stream/stream-error.ts'
import { reply } from '../server/xml/build.ts'
import { xml } from '../server/xml/element.ts'
import { NS } from '../server/xml/ns.ts'
import { written } from '../server/xml/raw-element.ts'

const BIND_FEATURE = written(xml('bind', { xmlns: NS.bind }))

const SESSION_FEATURE = written(xml('session', { xmlns: NS.session }, xml('optional', { xmlns: NS.session })))

/** Binds resources, for those who do so in another way (XEP-0386). */
export interface Binder {
  /** Loads what the account needs, and sees whether it may have one more client. Rejects with StanzaError. */
  prepare(stream: Stream, resource: string): Promise<PreparedBinding>
  /** The resource that a client gets for the one that it wishes. */
  resourceOf(wished?: string): string
}

/** A resource that can be bound at once. The account is held until it is disposed. */
export interface PreparedBinding extends Disposable {
  readonly account: Account
  readonly jid: Jid
  complete(): ClientSession
}

declare module '../server/host/module.ts' {
  interface Services {
    bind: Binder
  }
}

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
      offer: () => BIND_FEATURE,
    })

    host.streamIq({ type: 'set', ns: NS.bind, name: 'bind' }, async (stream, payload, iq) => {
      using prepared = await prepare(stream, resourceOf(payload.child('resource')?.getText()))
      if (stream.closed) return handled
      // The client hears of its resource before anybody can write to it.
      const jid = xml('jid', { xmlns: NS.bind }, prepared.jid.full)
      stream.send(reply(iq, xml('bind', { xmlns: NS.bind }, jid)))
      prepared.complete()
      return handled
    })

    // Some clients still ask for what RFC 3921 needed and RFC 6121 dropped.
    host.streamFeature({
      needs: ['authenticated'],
      forbids: ['bound'],
      offer: () => SESSION_FEATURE,
    })
    host.iq({ type: 'set', ns: NS.session, name: 'session', at: 'self' }, () => {})
    host.iq({ type: 'set', ns: NS.session, name: 'session', at: 'host' }, () => {})

    return { prepare, resourceOf }

    async function prepare(stream: Stream, resource: string): Promise<PreparedBinding> {
      const { identity } = stream
      if (identity === undefined) throw new StreamError('not-authorized', 'Log in first')
      // While we wait, the last other session of the account may end.
      const held = host.holdAccount(identity)
      const { account } = held
      try {
        await host.fire('session/binding', { account, stream })
        // RFC 6120 §7.6.2.1; replacing an old session does not add one.
        if (account.size >= config.max_resources && account.session(resource) === undefined) {
          throw new StanzaError('resource-constraint')
        }
      } catch (error) {
        held[Symbol.dispose]()
        throw error
      }
      return {
        account,
        jid: account.jid.withResource(resource),
        complete: () => host.bindSession(stream, account, resource),
        [Symbol.dispose]: () => held[Symbol.dispose](),
      }
    }

    /** What cannot be used is replaced rather than refused (RFC 6120 §7.7.2.1). */
    function resourceOf(wished = ''): string {
      return Jid.tryParse(`${host.domain}/${wished}`)?.resource ?? host.random.id()
    }
  },
})
