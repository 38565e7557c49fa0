/** Sessions outlive a planned stop: they are written down, and there again when the server is. */
import type { SessionFacts } from '../../server/host/events.ts'
import type { ModuleHost } from '../../server/host/host.ts'
import type { ClientSession } from '../../server/session/client-session.ts'
import { Stanza } from '../../server/xml/stanza.ts'
import type { Managed, ManagedBeginning } from './managed.ts'
import type { Records, SessionRecord, SuspendedSession } from './records.ts'
import type { Resumables } from './resumables.ts'

export interface SuspensionParts {
  readonly records: Records
  readonly resumables: Resumables
  readonly stateOf: (session: ClientSession) => Managed | undefined
  /** Manages a session that there was before. */
  readonly adopt: (session: ClientSession, beginning: ManagedBeginning) => Managed
  /** Lets it wait for its client. */
  readonly wait: (state: Managed, seconds: number) => void
}

/** Accounts whose sessions are restored at a time. */
const AT_A_TIME = 50

export function setupSuspension(
  host: ModuleHost,
  { records, resumables, stateOf, adopt, wait }: SuspensionParts,
): void {
  host.on('session/outliving', ({ session }) => {
    const state = stateOf(session)
    return state !== undefined && resumables.isWaiting(state) ? 'kept' : undefined
  })

  host.on('host/stopping', async () => {
    const saved = await Promise.allSettled([...resumables.waiting].map((state) => save(state)))
    const failures = saved.filter(({ status }) => status === 'rejected')
    if (failures.length > 0) host.log.error('sessions could not be written down', { count: failures.length })
  })

  host.on('host/started', async () => {
    let restoring: Promise<void>[] = []
    for await (const { node, records: suspended } of records.suspended()) {
      restoring.push(restoreAll(node, suspended))
      if (restoring.length < AT_A_TIME) continue
      await Promise.all(restoring)
      restoring = []
    }
    await Promise.all(restoring)
  })

  async function save(state: Managed): Promise<void> {
    await state.settled()
    const { session, unacked, resumeSeconds } = state
    const facts: SessionFacts = new Map()
    // This may add to the queue.
    host.fire('session/saving', { session, facts })
    state.detached()
    const queue = [...unacked].map(({ stanza, kept }) => ({ xml: stanza.toString(), ref: kept?.ref }))
    await records.save(state, {
      resource: session.resource,
      resumeSeconds,
      leftSeconds: resumables.secondsLeft(state, host.clock.now()),
      acked: unacked.acked,
      queue,
      presence: session.presence?.toString(),
      priority: session.priority,
      facts: Object.fromEntries(facts),
    })
  }

  async function restoreAll(node: string, suspended: ReadonlyMap<string, SessionRecord>): Promise<void> {
    for (const [id, record] of suspended) {
      try {
        await restore(node, id, record)
      } catch (error) {
        // What waited for it is where it waits for any client of the account.
        host.log.warn('session was not restored', { jid: `${node}@${host.domain}`, error })
      }
    }
  }

  async function restore(node: string, id: string, { h, suspended }: SessionRecord): Promise<void> {
    if (suspended === undefined) return
    const { resource, resumeSeconds: seconds, acked, leftSeconds } = suspended
    using held = host.holdAccount(host.parseJid(`${node}@${host.domain}`))
    await host.fire('session/binding', { account: held.account, stream: undefined })
    const session = host.restoreSession(held.account, resource)
    const state = adopt(session, { resume: { id, seconds }, handled: h, acked })
    await records.wake(state)
    fill(state, suspended)
    wait(state, leftSeconds)
  }

  function fill({ session, unacked }: Managed, { queue, presence, priority, facts }: SuspendedSession): void {
    for (const { xml, ref } of queue) {
      const stanza = Stanza.parse(xml)
      const kept =
        ref === undefined ? undefined : host.fire('session/unacknowledged', { session, stanza, is: 'late', ref })
      unacked.add(stanza, kept)
    }
    if (presence !== undefined) session.announce(Stanza.parse(presence), priority)
    host.announce('session/restored', { session, facts: new Map(Object.entries(facts)) })
  }
}
