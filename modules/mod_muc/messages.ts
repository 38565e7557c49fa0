/** HOT. XEP-0045 §7.4, §7.5, §8.1: messages to everybody in a room, and to one. */
import { stanzaIdElement } from '../../server/protocol/stanza-id.ts'
import { handled, type Handled, type StanzaEvent } from '../../server/routed-stanza.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import { isPending, type Maybe } from '../../server/util/maybe.ts'
import { Broadcast } from '../../server/xml/broadcast.ts'
import { xml } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'
import type { Stanza } from '../../server/xml/stanza.ts'
import { inSlices } from '../../server/util/slices.ts'
import { withoutClaims } from './claims.ts'
import type { GroupMessage } from './events.ts'
import type { HistoryArchive } from './features/history-archive.ts'
import { historyLength, isWorthKeeping } from './features/history.ts'
import { mayWriteTo } from './features/private-messages.ts'
import { isSubjectChange, maySetSubject, subject, subjectText } from './features/subject.ts'
import type { Occupant, OccupantSession } from './occupant.ts'
import { isRoleAtLeast } from './privileges.ts'
import { checkRate } from './rates.ts'
import { notInside } from './refusals.ts'
import type { Room } from './room.ts'

/** Takes a message of type groupchat to the room. Throws a StanzaError to refuse it. */
export function speak(room: Room, source: StanzaEvent): Maybe<void> {
  const session = requireSession(room, source)
  const { occupant } = session
  const { stanza } = source
  const isSubject = isSubjectChange(stanza)
  if (isSubject && !maySetSubject(room, occupant)) throw new StanzaError('forbidden', 'You may not change the subject')
  if (!isSubject && !isRoleAtLeast(occupant.role, 'participant')) {
    throw new StanzaError('forbidden', 'You do not currently have permission to speak')
  }
  checkRate(room, session)
  // Nobody hears twice of the same subject.
  if (isSubject && (subjectText(room) ?? '') === (stanza.childText('subject') ?? '')) return undefined
  const { host } = room.service
  const shown = reflected(room, occupant, stanza)
  const message: GroupMessage = { room, occupant, stanza: shown, at: host.clock.now(), source, id: undefined }
  const done = host.fire('muc/message', message)
  return isPending(done) ? done.then(() => {}) : undefined
}

/** The last handlers of a message: what nobody has refused is kept and shown. */
export function deliver(archive: HistoryArchive): (message: GroupMessage) => Maybe<Handled> {
  return (message) => {
    const { room, occupant } = message
    if (isSubjectChange(message.stanza)) return changeSubject(message)
    if (isWorthKeeping(message.stanza)) keep(archive, message)
    return answer(broadcast(room, message.stanza, occupant))
  }
}

/** What is kept has a name by which it can be asked for, or retracted (XEP-0359). */
function keep(archive: HistoryArchive, message: GroupMessage): void {
  const { room, source, at } = message
  const { id = archive.append(message) ?? room.service.host.random.id() } = message
  if (message.id === undefined) message.stanza = message.stanza.append(stanzaIdElement({ id, by: room.jid.full }))
  room.history.keep({ id, at, sender: source.from.bare, shown: message.stanza }, room.get(historyLength))
}

/** Sends to every client in the room what an occupant, or the room itself, has to say. */
export function broadcast(room: Room, stanza: Stanza, occupant?: Occupant): Maybe<void> {
  const copies = new Broadcast(stanza)
  const from = occupant?.jid ?? room.jid
  return inSlices(room.sessions.values(), ({ jid }) => room.send(jid, copies.for(jid.full), from))
}

/** Takes a message to one occupant (§7.5). Throws a StanzaError to refuse it. */
export function whisper(room: Room, source: StanzaEvent): void {
  const { stanza, to } = source
  if (stanza.type === 'groupchat') throw new StanzaError('bad-request', 'This message is for one occupant')
  const session = requireSession(room, source)
  const { occupant } = session
  checkRate(room, session)
  const addressee = room.occupants.get(to.resource ?? '')
  if (addressee === undefined) throw new StanzaError('item-not-found', 'Nobody here is called so')
  if (!mayWriteTo(room, occupant, addressee)) {
    throw new StanzaError('policy-violation', 'Private messages are restricted in this room', { type: 'cancel' })
  }
  const shown = withoutClaims(stanza, room.jid.full)
    .with({ from: occupant.jid.full })
    .append(xml('x', { xmlns: NS.mucUser }), occupantIdElement(occupant))
  for (const { jid } of addressee.sessions.values()) room.send(jid, shown.with({ to: jid.full }), occupant.jid)
}

/** The client that a message comes from. */
export function requireSession(room: Room, { from }: StanzaEvent): OccupantSession {
  const session = room.sessions.get(from.full)
  if (session === undefined) throw notInside()
  return session
}

/** As everybody will see it: from the occupant, with the id that its client gave (§7.4). */
function reflected(room: Room, occupant: Occupant, stanza: Stanza): Stanza {
  return withoutClaims(stanza, room.jid.full)
    .with({ from: occupant.jid.full, to: undefined, id: stanza.id ?? room.service.host.random.id() })
    .append(occupantIdElement(occupant))
}

async function changeSubject({ room, occupant, stanza, at }: GroupMessage): Promise<Handled> {
  const stored = { stanza: stanza.toString(), at }
  await room.setValues(new Map([[subject.key, stored]]))
  await broadcast(room, stanza, occupant)
  return handled
}

function answer(done: Maybe<void>): Maybe<Handled> {
  return isPending(done) ? done.then(() => handled) : handled
}

function occupantIdElement({ id }: Occupant) {
  return xml('occupant-id', { xmlns: NS.occupantId, id })
}
