/** XEP-0352: Client State Indication. What is not urgent waits while nobody looks. */
import { t } from '../../server/config/types.ts'
import type { Notice, Query } from '../../server/host/hooks.ts'
import { defineModule } from '../../server/host/module.ts'
import type { ClientSession } from '../../server/session/client-session.ts'
import type { Stream } from '../../server/stream/stream.ts'
import { StreamError } from '../../server/stream/stream-error.ts'
import { xml } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'
import { written } from '../../server/xml/raw-element.ts'
import type { Stanza } from '../../server/xml/stanza.ts'
import { isUrgent } from './importance.ts'

const FEATURE = written(xml('csi', { xmlns: NS.csi }))

declare module '../../server/host/events.ts' {
  interface HostHooks {
    /** Must a client that sleeps hear of this at once? */
    'csi/urgent': Query<{ readonly stanza: Stanza; readonly session: ClientSession }, boolean>
    /** A client has woken up. */
    'csi/active': Notice<{ readonly session: ClientSession }>
  }
}

/** For those who let clients say so in the course of a login (XEP-0386). */
export interface ClientStates {
  set(session: ClientSession, state: 'active' | 'inactive'): void
}

declare module '../../server/host/module.ts' {
  interface Services {
    csi: ClientStates
  }
}

export default defineModule({
  name: 'csi',
  about: 'lets phones sleep',
  xeps: { 352: '1.0.1' },
  on: ['local'],
  config: {
    max_held: t
      .integer({ min: 1 })
      .default(256)
      .describe('Stanzas that wait for a client that sleeps; with more it hears them all.'),
  },

  setup(host, { config }) {
    const held = host.slot('held', (): Stanza[] => [])

    host.streamFeature({
      needs: ['authenticated'],
      forbids: ['bound'],
      offer: () => FEATURE,
    })

    for (const state of ['active', 'inactive'] as const) {
      host.nonza({ ns: NS.csi, name: state }, (stream) => set(sessionOf(stream), state))
    }

    host.provide('bind-feature', {
      ns: NS.csi,
      apply(session, bind) {
        if (bind.child('inactive', NS.csi) !== undefined) set(session, 'inactive')
        return undefined
      },
    })

    // What waits must be among what the client has not acknowledged, before anybody looks at that.
    host.on('session/saving', ({ session }) => set(session, 'active'), 'guard')
    host.on('session/closed', ({ session }) => release(session), 'guard')

    host.defer(() => {
      for (const { sessions } of host.accounts) for (const session of sessions) set(session, 'active')
    })

    return { set }

    function set(session: ClientSession, state: 'active' | 'inactive'): void {
      session.outbox.hold = state === 'inactive' ? (stanza) => hold(session, stanza) : undefined
      if (state === 'inactive') return
      release(session)
      host.announce('csi/active', { session })
    }

    function hold(session: ClientSession, stanza: Stanza): boolean {
      const waiting = held(session)
      if (waiting.length >= config.max_held || isUrgentFor(session, stanza)) {
        release(session)
        return false
      }
      // Of somebody's presence only the last counts.
      if (stanza.name === 'presence') {
        const former = waiting.findIndex((other) => other.name === 'presence' && other.from === stanza.from)
        if (former !== -1) waiting.splice(former, 1)
      }
      waiting.push(stanza.keep())
      host.announce('session/waiting', { session, stanza })
      return true
    }

    /** In the order in which they came. */
    function release(session: ClientSession): void {
      for (const stanza of held(session).splice(0)) session.sendNow(stanza)
    }

    function isUrgentFor(session: ClientSession, stanza: Stanza): boolean {
      const node = session.jid.node ?? ''
      const said = host.fire('csi/urgent', { stanza, session })
      return said ?? isUrgent(stanza, (text) => text.toLowerCase().includes(node))
    }

    function sessionOf({ identity }: Stream): ClientSession {
      const session =
        identity?.resource === undefined ? undefined : host.account(identity.bare)?.session(identity.resource)
      if (session === undefined) throw new StreamError('unsupported-stanza-type', 'Bind a resource first')
      return session
    }
  },
})
