/** RFC 6121 §4: presence, to contacts and to whoever else is told. */
import type { Notice } from '../../server/host/hooks.ts'
import { defineModule } from '../../server/host/module.ts'
import { delayElement } from '../../server/protocol/delay.ts'
import { handled, type Handled, type StanzaEvent } from '../../server/routed-stanza.ts'
import type { ClientSession } from '../../server/session/client-session.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import { isPending, type Maybe } from '../../server/util/maybe.ts'
import { after, inSlices } from '../../server/util/slices.ts'
import { Broadcast } from '../../server/xml/broadcast.ts'
import { presence } from '../../server/xml/build.ts'
import type { Stanza } from '../../server/xml/stanza.ts'
import type { Roster } from '../mod_roster/index.ts'
import { setupDirected } from './directed.ts'
import { setupProbes } from './probes.ts'

declare module '../../server/host/events.ts' {
  interface HostHooks {
    /** A client has become available: it wants to hear what it has missed (RFC 6121 §4.2.2). */
    'presence/initial': Notice<{ readonly session: ClientSession }>
    /** A client takes messages to the bare JID from now on: it has a non-negative priority for the first time. */
    'presence/receptive': Notice<{ readonly session: ClientSession }>
    /** A client has broadcast available presence, the first time or again. */
    'presence/broadcast': Notice<{ readonly session: ClientSession; readonly stanza: Stanza }>
    /** A client has become unavailable. */
    'presence/unavailable': Notice<{ readonly session: ClientSession }>
  }
}

export default defineModule({
  name: 'presence',
  about: 'tells contacts who is there',
  rfcs: [6121],
  xeps: { 203: '2.0' },
  on: ['local'],
  depends: ['roster', 'accounts'],

  setup(host) {
    const directed = setupDirected(host)
    const probes = setupProbes(host)
    const receptive = host.lastingSlot('receptive', () => ({ once: false }))

    host.on('outgoing/presence', (event) => {
      const { stanza } = event
      checkType(stanza.type)
      if (stanza.to !== undefined) return directed.note(event)
      if (stanza.type === undefined) return available(event)
      if (stanza.type === 'unavailable') return unavailable(event.origin, stanza)
      throw new StanzaError('bad-request', 'To whom?')
    })

    host.on('incoming/presence', deliver)

    host.on('session/closed', ({ session }) => {
      void unavailable(session, presence({ type: 'unavailable', from: session.jid.full }))
    })

    // Who has just been allowed to see the account does so at once, and who no longer may sees it go (RFC 6121 §3.1.5, §3.2.3).
    host.on('roster/subscriber-added', ({ account, contact }) => probes.show(account, contact))
    host.on('roster/subscriber-removed', ({ account, contact }) => {
      for (const { jid } of host.account(account.bare)?.available ?? []) {
        void host.sendTo(contact, presence({ type: 'unavailable', from: jid.full, to: contact.full }), jid)
      }
    })

    /** RFC 6121 §4.2.2, §4.4.2: to contacts who may see it, and to the account's own clients. */
    function available({ stanza, origin }: StanzaEvent<ClientSession>): Maybe<Handled> {
      const priority = readPriority(stanza)
      const initial = origin.presence === undefined
      // Whoever gets it later is told how old it is (RFC 6121 §4.3.2, XEP-0203).
      const kept = stanza.keep().append(delayElement(new Date(host.clock.now()), host.domain))
      origin.announce(kept, priority)
      return tellContacts(origin, stanza, () => {
        if (initial) begin(origin)
        host.announce('presence/broadcast', { session: origin, stanza })
        if (priority >= 0 && !receptive(origin).once) {
          receptive(origin).once = true
          host.announce('presence/receptive', { session: origin })
        }
      })
    }

    /** RFC 6121 §4.5.2: to contacts, to the account's other clients, and to whoever got directed presence. */
    function unavailable(session: ClientSession, stanza: Stanza): Maybe<Handled> {
      if (session.presence === undefined) {
        directed.end(session, stanza)
        return handled
      }
      session.announce(undefined, 0)
      receptive(session).once = false
      return tellContacts(session, stanza, (roster) => {
        directed.end(session, stanza, roster)
        host.announce('presence/unavailable', { session })
      })
    }

    function tellContacts(session: ClientSession, stanza: Stanza, then: (roster: Roster) => void): Maybe<Handled> {
      const roster = host.service('roster').of(session.jid.node ?? '')
      if (isPending(roster)) return roster.then(() => tellContacts(session, stanza, then))
      for (const other of session.account.available) other.send(stanza.with({ to: other.jid.full }))
      if (stanza.type === 'unavailable') session.send(stanza.with({ to: session.jid.full }))
      // While many are told, the client may go: then they hear of that instead.
      const { presence: announced } = session
      const isOver = (): boolean => session.presence !== announced
      const broadcast = new Broadcast(stanza)
      const telling = inSlices(roster.subscribers, (contact) => {
        if (!isOver()) void host.sendTo(host.parseJid(contact), broadcast.for(contact), session.jid)
      })
      const done = after(telling, () => (isOver() ? undefined : then(roster)))
      return isPending(done) ? done.then(() => handled) : handled
    }

    /** The first presence of a client: it learns who is there (RFC 6121 §4.2.2, §4.3.1). */
    function begin(session: ClientSession): void {
      for (const other of session.account.available) {
        if (other !== session && other.presence !== undefined)
          session.send(other.presence.with({ to: session.jid.full }))
      }
      probes.send(session)
      host.announce('presence/initial', { session })
    }

    /** RFC 6121 §8.5.2.1.2, §8.5.3.1: to the bare JID for every available client, to a full JID for one. */
    function deliver({ stanza, to }: StanzaEvent): Handled | undefined {
      const { type } = stanza
      if (type !== undefined && type !== 'unavailable' && type !== 'error') return undefined
      if (to.node === undefined) return handled
      const account = host.account(to.bare)
      if (to.resource !== undefined) account?.session(to.resource)?.send(stanza)
      // That a subscription request was refused concerns all of them as well.
      else for (const session of account?.available ?? []) session.send(stanza)
      // Presence for nobody is not worth an answer (RFC 6121 §8.5.1, §8.5.3.2.2).
      return handled
    }
  },
})

const TYPES: ReadonlySet<string | undefined> = new Set([
  undefined,
  'unavailable',
  'error',
  'probe',
  'subscribe',
  'subscribed',
  'unsubscribe',
  'unsubscribed',
])

/** RFC 6121 §4.7.1. */
function checkType(type: string | undefined): void {
  if (!TYPES.has(type)) throw new StanzaError('bad-request', 'There is no such type of presence')
}

/** From -128 to 127 (RFC 6121 §4.7.2.3). One that is none counts as 0: that is no reason not to let a client be there. */
function readPriority(stanza: Stanza): number {
  const text = stanza.childText('priority')?.trim() ?? ''
  const priority = /^[+-]?\d{1,3}$/.test(text) ? Number(text) : 0
  return priority >= -128 && priority <= 127 ? priority : 0
}
