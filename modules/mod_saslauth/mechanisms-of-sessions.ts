/** How the clients of sessions have logged in. */
import type { ModuleHost } from '../../server/host/host.ts'
import type { ClientSession } from '../../server/session/client-session.ts'
import type { Stream } from '../../server/stream/stream.ts'

export interface MechanismsOfSessions {
  /** Somebody logs in on a stream, and binds or resumes a session later. */
  note(stream: Stream, mechanism: string): void
  of(session: ClientSession): string | undefined
}

export function mechanismsOfSessions(host: ModuleHost): MechanismsOfSessions {
  const ofStreams = new WeakMap<Stream, string>()
  const ofSession = host.lastingSlot('mechanism', (): { name: string | undefined } => ({ name: undefined }))
  const take = ({ session, stream }: { session: ClientSession; stream: Stream }): void => {
    const name = ofStreams.get(stream)
    if (name !== undefined) ofSession(session).name = name
  }
  host.on('session/bound', take)
  host.on('session/resumed', take)
  return {
    note: (stream, mechanism) => void ofStreams.set(stream, mechanism),
    of: (session) => ofSession(session).name,
  }
}
