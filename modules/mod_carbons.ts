/** XEP-0280: Message Carbons. Keeps all clients of an account in the same conversations. */
import type { Query, Shape } from '../server/host/hooks.ts'
import { defineModule } from '../server/host/module.ts'
import { carbonOf, type Direction, isForAllClients, withoutCarbons } from '../server/protocol/carbon.ts'
import type { StanzaEvent } from '../server/routed-stanza.ts'
import type { Account } from '../server/session/account.ts'
import type { ClientSession } from '../server/session/client-session.ts'
import { own } from '../server/util/own.ts'
import { NS } from '../server/xml/ns.ts'
import type { Stanza } from '../server/xml/stanza.ts'

declare module '../server/host/events.ts' {
  interface HostHooks {
    /** Shall the other clients of the account see a message? Asked before the rules of XEP-0280 §6.1 are. */
    'carbons/eligible': Query<Eligibility, boolean>
    /** A message is about to be copied: `stanza`, which is what the copies hold, may be replaced. */
    'carbons/copying': Shape<{ readonly event: StanzaEvent; readonly direction: Direction; stanza: Stanza }>
  }
}

/** A message, as one account sees it. */
export interface Eligibility {
  readonly stanza: Stanza
  readonly direction: Direction
  readonly account: Account
}

/** What lasts over a restart: that a client has asked for copies. */
const FACT = 'carbons'

/** What is kept with an account. */
interface Copying {
  /** Its clients that have asked for copies: nearly always none, and then there is nothing to do. */
  sessions: readonly ClientSession[]
  readonly copied: Copied
}

export default defineModule({
  name: 'carbons',
  about: 'copies messages to all clients of an account',
  xeps: { 280: '1.0.1' },
  on: ['local'],

  setup(host) {
    const copying = host.accountSlot('copying', (): Copying => ({ sessions: [], copied: new Copied() }))

    host.feature(NS.carbons)
    host.feature(NS.carbonsRules)
    host.iq({ type: 'set', ns: NS.carbons, name: 'enable', at: 'self' }, ({ origin }) => enable(origin))
    host.iq({ type: 'set', ns: NS.carbons, name: 'disable', at: 'self' }, ({ origin }) => disable(origin))
    host.provide('bind-feature', {
      ns: NS.carbons,
      apply(session, bind) {
        if (bind.child('enable', NS.carbons) !== undefined) enable(session)
        return undefined
      },
    })
    host.on('session/closed', ({ session }) => disable(session))
    host.on('session/saving', ({ session, facts }) => {
      if (copying(session.account).sessions.includes(session)) facts.set(FACT, true)
    })
    host.on('session/restored', ({ session, facts }) => {
      if (facts.get(FACT) === true) enable(session)
    })

    host.on('outgoing/message', strip, 'rewrite')
    host.on('incoming/message', strip, 'rewrite')
    host.on('outgoing/message', (event) => copy(event, 'sent', event.origin.account), 'copy')
    host.on('incoming/message', copyReceived, 'copy')

    function enable(session: ClientSession): void {
      const state = copying(session.account)
      if (!state.sessions.includes(session)) state.sessions = [...state.sessions, session]
    }

    function disable(session: ClientSession): void {
      const state = copying(session.account)
      state.sessions = state.sessions.filter((other) => other !== session)
    }

    /** Nobody but us speaks of copies (XEP-0280 §11). */
    function strip(event: StanzaEvent): void {
      event.stanza = withoutCarbons(event.stanza)
    }

    function copyReceived(event: StanzaEvent): void {
      // What is said in a room has come to each client that is in it (XEP-0280 §6.1).
      if (event.stanza.type !== 'groupchat') copy(event, 'received', host.account(event.to.bare))
    }

    function copy(event: StanzaEvent, direction: Direction, account: Account | undefined): void {
      if (account === undefined) return
      const { sessions, copied } = copying(account)
      if (sessions.length === 0) return
      // What an account writes to itself is copied when it arrives.
      if (direction === 'sent' && event.to.bare === account.jid.bare) return
      const others = sessions.filter((session) => session !== event.origin && !getsIt(session, event, direction))
      if (others.length === 0 || !isEligible(event, direction, account, copied)) return
      copied.note(event, direction)
      const shape = { event, direction, stanza: event.stanza }
      host.fire('carbons/copying', shape)
      const carbon = carbonOf(shape.stanza, direction, account.jid.bare)
      for (const session of others) session.send(carbon.with({ to: session.jid.full }))
    }

    function isEligible(event: StanzaEvent, direction: Direction, account: Account, copied: Copied): boolean {
      const { stanza } = event
      const decided = host.fire('carbons/eligible', { stanza, direction, account })
      if (decided !== undefined) return decided
      return stanza.type === 'error' ? copied.isAnsweredBy(event, direction) : isForAllClients(stanza, direction)
    }
  },
})

/** Whether a client gets the message itself, as mod_message delivers it (RFC 6121 §8.5.2.1.1, §8.5.3). */
function getsIt(session: ClientSession, { stanza: { type }, to }: StanzaEvent, direction: Direction): boolean {
  if (direction === 'sent') return false
  const { account } = session
  const exact = to.resource === undefined ? undefined : account.session(to.resource)
  if (exact !== undefined) return session === exact
  return type !== 'error' && account.recipients(type).includes(session)
}

/**
 * Names of the messages that were copied last: an error goes to all clients if what it answers did (§6.1), and that
 * cannot be told from the error.
 */
class Copied {
  #names: Set<string> | undefined

  note({ stanza, from, to }: StanzaEvent, direction: Direction): void {
    const { id } = stanza
    if (id === undefined || id.length > LONGEST_ID) return
    this.#names ??= new Set()
    this.#names.add(own(nameOf(id, direction === 'sent' ? to.bare : from.bare)))
    const [oldest] = this.#names
    if (this.#names.size > COPIED_NAMES && oldest !== undefined) this.#names.delete(oldest)
  }

  /** An error goes the opposite way of what it answers, so the other party is the same. */
  isAnsweredBy({ stanza, from, to }: StanzaEvent, direction: Direction): boolean {
    return this.#names?.has(nameOf(stanza.id ?? '', direction === 'sent' ? to.bare : from.bare)) ?? false
  }
}

function nameOf(id: string, peer: string): string {
  return `${peer} ${id}`
}

/** Of one account. */
const COPIED_NAMES = 100
const LONGEST_ID = 256
