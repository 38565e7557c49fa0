/** XEP-0198: Stream Management. Nothing is lost when a connection is, and it can be taken up again. */
import { t } from '../../server/config/types.ts'
import type { ModuleHost } from '../../server/host/host.ts'
import { defineModule } from '../../server/host/module.ts'
import type { Jid } from '../../server/jid/jid.ts'
import { parseBoolean, parseInteger } from '../../server/protocol/xsd.ts'
import type { ClientSession } from '../../server/session/client-session.ts'
import type { Stream } from '../../server/stream/stream.ts'
import { StreamError } from '../../server/stream/stream-error.ts'
import { type Element, xml } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'
import { map } from '../../storage/store.ts'
import { giveBack } from './give-back.ts'
import { Managed, type ManagedBeginning, type ManagedOwner } from './managed.ts'
import { failed, setupNonzas } from './nonzas.ts'
import { Records, type SessionRecord } from './records.ts'
import { Resumables } from './resumables.ts'
import { setupSuspension } from './suspension.ts'
import { WRAP } from './unacked.ts'

/** For those who enable and resume in the course of a login (XEP-0198 §9), or want to know who is there. */
export interface StreamManagement {
  /** The client has a connection, and has left a question for an acknowledgement unanswered for too long. */
  isSilent(session: ClientSession): boolean
  /** Gives `<enabled/>` or `<failed/>`. */
  enable(session: ClientSession, request: Element): Element
  /** Takes up a session over a stream that has logged in; gives `<failed/>` if that cannot be. */
  resume(stream: Stream, request: Element): Promise<Resumption>
}

export type Resumption =
  | { readonly failed: Element }
  /** `take` must be called once `resumed` has been sent: the session goes on with the stream then. */
  | { readonly resumed: Element; readonly jid: Jid; take(): void }

declare module '../../server/host/module.ts' {
  interface Services {
    smacks: StreamManagement
  }
}

const LOOK_MILLISECONDS = 2000

export default defineModule({
  name: 'smacks',
  about: 'loses nothing when a connection is lost',
  xeps: { 198: '1.6.3' },
  on: ['local'],
  config: {
    resume_timeout: t
      .duration({ min: 0, max: 7 * 86_400 })
      .default(600)
      .describe('How long a client that was cut off may take to come back.'),
    ack_timeout: t
      .duration({ min: 1 })
      .default(60)
      .describe('How long a client may take to acknowledge what it was sent.'),
    wake_after: t
      .duration({ min: 1 })
      .default(10)
      .describe('How long it may take before it is woken up by a push notification.'),
    max_stanzas: t
      .integer({ min: 10 })
      .default(500)
      .describe('Stanzas that may come for a client that is cut off; with more its session ends.'),
    max_size: t
      .size({ min: 65_536 })
      .default(5_242_880)
      .describe('Bytes that may wait for an acknowledgement; with more the session ends.'),
    max_waiting: t.integer({ min: 1 }).default(10).describe('Clients of one account that may be cut off at a time.'),
  },

  stores: { sessions: map<SessionRecord>('sessions') },

  setup(host, { config, stores: { sessions } }) {
    const managed = host.slot('managed', (): { state: Managed | undefined } => ({ state: undefined }))
    const resumables = new Resumables()
    const records = new Records(host, sessions)
    const active = new Set<Managed>()
    const wakeAfter = config.wake_after * 1000
    const limits = { stanzas: config.max_stanzas, chars: config.max_size }
    const owner: ManagedOwner = {
      overflowed: overflow,
      waits: (state) => tellWhatWaits(host, state),
      store: ({ session }, stanza, is) => host.fire('session/unacknowledged', { session, stanza, is }),
      counts: (state, handled) => records.note(state, handled),
    }
    setupSuspension(host, { records, resumables, stateOf: (session) => managed(session).state, adopt, wait })

    setupNonzas(host, { enable, resume }, (session) => managed(session).state)
    for (const { sessions: there } of host.accounts) for (const session of there) takeOver(session)

    host.on('session/detached', ({ session, stream }) => {
      const { state } = managed(session)
      if (state?.id === undefined) return undefined
      // A client that has said goodbye does not come back to this session.
      if (stream.hasGoodbye) records.forget(state)
      if (stream.hasGoodbye || waitingOf(session) >= config.max_waiting) return undefined
      state.detached()
      wait(state, Math.max(state.resumeSeconds, host.fire('session/patience', { session }) ?? 0))
      host.log.debug('session waits for its client', { jid: session.jid.full })
      tellWhatWaits(host, state)
      return 'kept'
    })

    host.on('session/closed', ({ session }) => {
      const { state } = managed(session)
      if (state !== undefined) host.spawn('find another way for what was not acknowledged', () => end(state))
    })

    host.use(host.clock.every(LOOK_MILLISECONDS, look))

    return {
      enable,
      resume,
      isSilent: (session) => (managed(session).state?.silence(host.clock.now()) ?? 0) >= wakeAfter,
    } satisfies StreamManagement

    function enable(session: ClientSession, request: Element): Element {
      if (managed(session).state !== undefined) return failed('unexpected-request')
      const wantsResume = parseBoolean(request.attrs['resume'] ?? 'false') ?? false
      const wished = parseInteger(request.attrs['max'] ?? '', { min: 1 }) ?? config.resume_timeout
      const seconds = Math.min(wished, config.resume_timeout)
      const id = wantsResume && seconds > 0 ? host.random.id() : undefined
      adopt(session, { resume: id === undefined ? undefined : { id, seconds } })
      const attributes = id === undefined ? {} : { id, resume: 'true', max: String(seconds) }
      return xml('enabled', { xmlns: NS.sm, ...attributes })
    }

    function adopt(session: ClientSession, beginning: ManagedBeginning): Managed {
      const state = new Managed(session, beginning, limits, owner)
      managed(session).state = state
      lookAfter(state)
      return state
    }

    /** This module was here before, with other options or other code. */
    function takeOver(session: ClientSession): void {
      const { state } = managed(session)
      if (state === undefined) return
      state.handOver(owner)
      lookAfter(state)
      if (session.stream === undefined) wait(state, state.resumeSeconds)
    }

    function lookAfter(state: Managed): void {
      active.add(state)
      if (state.id !== undefined) resumables.add(state.id, state)
    }

    function wait(state: Managed, seconds: number): void {
      const timer = host.after(seconds, 'give up a session', () => host.closeSession(state.session))
      resumables.wait(state, timer, host.clock.now() + seconds * 1000)
    }

    async function resume(stream: Stream, request: Element): Promise<Resumption> {
      const { identity } = stream
      const id = request.attrs['previd'] ?? ''
      const h = parseInteger(request.attrs['h'] ?? '', { min: 0, max: WRAP - 1 })
      if (identity === undefined || stream.facts.has('bound')) return { failed: failed('unexpected-request') }
      // What came over the former stream and is still being handled would come again if it were not counted.
      await resumables.find(id, identity.bare)?.settled()
      const state = resumables.find(id, identity.bare)
      if (state === undefined) return { failed: failed('item-not-found', await pastH(identity, id)) }
      if (h === undefined || !state.acknowledged(h)) return { failed: failed('bad-request', state.h) }
      const resumed = xml('resumed', { xmlns: NS.sm, previd: id, h: state.h })
      return { resumed, jid: state.session.jid, take: () => take(state, stream) }
    }

    /** What was handled of a session that is over, or that this server has never known because the one before was killed. */
    async function pastH({ bare, node = '' }: Jid, id: string): Promise<string | undefined> {
      const remembered = resumables.pastH(id, bare)
      if (remembered !== undefined) return remembered
      const record = await records.find(node, id)
      return record && String(record.h % WRAP)
    }

    function take(state: Managed, stream: Stream): void {
      const { session } = state
      const former = session.stream
      resumables.woken(state)
      host.attachSession(session, stream)
      former?.close(new StreamError('conflict', 'The session goes on with another stream'))
      state.resend(stream, host.clock.now())
      host.announce('session/resumed', { session, stream })
      host.log.info('session resumed', { jid: session.jid.full, peer: stream.transport.address })
    }

    /** A client that takes nothing in loses its connection; what waited finds another way. */
    function overflow({ session }: Managed): void {
      host.log.info('too much waits to be acknowledged', { jid: session.jid.full })
      host.spawn('end a session', () =>
        host.closeSession(session, new StreamError('resource-constraint', 'Too much waits to be acknowledged')),
      )
    }

    function look(): void {
      const now = host.clock.now()
      for (const state of active) {
        if (state.silence(now) >= wakeAfter) tellWhatWaits(host, state)
        if (state.look(now, config.ack_timeout * 1000)) continue
        host.log.debug('no acknowledgement', { jid: state.session.jid.full })
        state.session.stream?.transport.destroy()
      }
    }

    async function end(state: Managed): Promise<void> {
      state.end()
      active.delete(state)
      resumables.end(state)
      for (const unacked of state.unacked) await giveBack(host, state.session, unacked)
    }
  },
})

/** Whoever can wake the client up hears of what it has not taken in. */
function tellWhatWaits(host: ModuleHost, state: Managed): void {
  for (const { stanza } of state.waiting()) host.announce('session/waiting', { session: state.session, stanza })
}

/** Sessions of the same account that wait for their clients. */
function waitingOf({ account }: ClientSession): number {
  return [...account.sessions].filter(({ stream }) => stream === undefined).length
}
