/** XEP-0045 §11.1, §18.1.2: clients that are in a room and cannot be reached any more. */
import type { StanzaEvent } from '../../server/routed-stanza.ts'
import { StanzaError, type StanzaCondition } from '../../server/stanza-error.ts'
import type { Maybe } from '../../server/util/maybe.ts'
import { isNonAnonymous } from './features/whois.ts'
import { drop } from './removal.ts'
import type { Room } from './room.ts'

/** Errors that say that a stanza has not reached a client, and that the next will not either. */
const UNREACHABLE: ReadonlySet<StanzaCondition> = new Set<StanzaCondition>([
  'gone',
  'internal-server-error',
  'item-not-found',
  'jid-malformed',
  'recipient-unavailable',
  'redirect',
  'remote-server-not-found',
  'remote-server-timeout',
  'service-unavailable',
])

/** Takes the answer that something could not be delivered; whoever could not be reached has left. */
export function dropIfUnreachable(room: Room, { stanza, from }: StanzaEvent): Maybe<void> {
  const session = room.sessions.get(from.full)
  if (session === undefined) return undefined
  const element = stanza.child('error')
  const { condition, text } = StanzaError.fromElement(element)
  if (element !== undefined && !UNREACHABLE.has(condition)) return undefined
  // What a server says may name somebody.
  const detail = text === undefined || !isNonAnonymous(room) ? '' : `: ${text}`
  return drop(room, session, `Kicked: ${condition.replaceAll('-', ' ')}${detail}`)
}
