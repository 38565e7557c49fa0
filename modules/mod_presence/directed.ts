/** RFC 6121 §4.6: presence to those who are no contacts, and its end. */
import type { ModuleHost } from '../../server/host/host.ts'
import type { Jid } from '../../server/jid/jid.ts'
import type { Handled, StanzaEvent } from '../../server/routed-stanza.ts'
import type { ClientSession } from '../../server/session/client-session.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import { presence } from '../../server/xml/build.ts'
import type { Roster } from '../mod_roster/index.ts'
import type { Stanza } from '../../server/xml/stanza.ts'

/** Addresses that a client may send directed presence to, rooms among them. */
const MOST_DIRECTED = 1000

const FACT = 'directed presence'

export interface Directed {
  /** Remembers whom a client has shown itself to. */
  note(event: StanzaEvent<ClientSession>): Handled | undefined
  /** Tells all of them that the client has gone, and forgets them; not those whom a broadcast to `told` has reached. */
  end(session: ClientSession, farewell: Stanza, told?: Roster): void
}

export function setupDirected(host: ModuleHost<'roster' | 'accounts'>): Directed {
  const shownTo = host.slot('directed', () => new Map<string, Jid>())

  host.on('session/saving', ({ session, facts }) => {
    facts.set(FACT, [...shownTo(session).keys()])
  })
  host.on('session/restored', ({ session, facts }) => {
    // As they were saved.
    const addresses = (facts.get(FACT) ?? []) as readonly string[]
    for (const address of addresses) shownTo(session).set(address, host.parseJid(address))
  })

  // Whoever cannot hear later that the client goes hears it now (XEP-0191 §3.3).
  host.on('blocklist/hiding', ({ account, isHiddenFrom }) => {
    for (const session of account.sessions) {
      const hidden = [...shownTo(session).values()].filter(isHiddenFrom)
      const farewell = presence({ type: 'unavailable', from: session.jid.full })
      for (const to of hidden) {
        shownTo(session).delete(to.full)
        void host.sendTo(to, farewell.with({ to: to.full }), session.jid)
      }
    }
  })

  return {
    note({ stanza, origin, to }) {
      if (stanza.type === 'unavailable') shownTo(origin).delete(to.full)
      if (stanza.type !== undefined) return undefined
      const addresses = shownTo(origin)
      if (addresses.size >= MOST_DIRECTED && !addresses.has(to.full)) throw new StanzaError('resource-constraint')
      addresses.set(to.full, to)
      return undefined
    },

    end(session, farewell, told) {
      const addresses = shownTo(session)
      for (const to of addresses.values()) {
        // A client that was written to by its full JID may not be available: what is broadcast does not reach it.
        if (to.resource === undefined && told?.seesUs(to) === true) continue
        void host.sendTo(to, farewell.with({ to: to.full }), session.jid)
      }
      addresses.clear()
    },
  }
}
