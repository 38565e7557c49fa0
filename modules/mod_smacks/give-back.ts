/** What happens to a stanza that a client was sent and never acknowledged (XEP-0198 §4). */
import type { ModuleHost } from '../../server/host/host.ts'
import type { ClientSession } from '../../server/session/client-session.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import { errorReply } from '../../server/xml/build.ts'
import type { Stanza } from '../../server/xml/stanza.ts'
import type { UnackedStanza } from './unacked.ts'

/** As if it had come for somebody who is not there: somebody keeps it, or its sender is told. */
export async function giveBack(
  host: ModuleHost,
  session: ClientSession,
  { stanza, kept }: UnackedStanza,
): Promise<void> {
  if ((await host.fire('session/undelivered', { session, stanza, kept })) !== undefined) return
  if (!isAwaited(stanza)) return
  await host.send(errorReply(stanza, new StanzaError('recipient-unavailable').toElement()))
}

/** Whoever has sent it waits for something: a request for its answer, a message for being read. */
function isAwaited({ name, type = name === 'message' ? 'normal' : undefined }: Stanza): boolean {
  if (name === 'iq') return type === 'get' || type === 'set'
  return name === 'message' && (type === 'normal' || type === 'chat')
}
