/** XEP-0045 §10: requests in muc#owner: configuration, and the end of a room. */
import { JidError } from '../../server/jid/jid.ts'
import { formIn } from '../../server/protocol/raw-form.ts'
import type { StanzaEvent } from '../../server/routed-stanza.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import { type Element, xml } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'
import { announceConfiguration, readConfiguration, reconfigure, renderConfiguration } from './configuration.ts'
import { destroyRoom, type Destruction } from './destruction.ts'
import type { RoomRequest } from './requests.ts'
import type { Room } from './room.ts'
import type { Rooms } from './rooms.ts'

/** The configuration form (§10.2). */
export async function readRoom(room: Room, event: StanzaEvent): Promise<Element> {
  requireOwner(room, event)
  return xml('query', { xmlns: NS.mucOwner }, await renderConfiguration(room, event))
}

/** A submitted form, or the wish to destroy the room. */
export async function changeRoom(rooms: Rooms, room: Room, request: RoomRequest): Promise<void> {
  requireOwner(room, request)
  const destroy = request.payload.child('destroy')
  if (destroy !== undefined) return destroyRoom(rooms, room, readDestruction(room, destroy), request.from)
  const x = formIn(request.payload)
  if (x === undefined) throw new StanzaError('bad-request', 'Neither a form nor a wish to destroy the room')
  const wanted = await readConfiguration(room, request, x)
  if (wanted === 'cancel') {
    // Whoever gives up the first configuration does not want the room (§10.1.3).
    if (room.isLocked) await destroyRoom(rooms, room, {}, request.from)
    return
  }
  const { from } = request
  await reconfigure(room, wanted, { jid: from, nick: room.sessions.get(from.full)?.occupant.nick })
  rooms.relist(room)
  request.afterAnswer(() => announceConfiguration(room, wanted.statuses))
}

function requireOwner(room: Room, { from }: StanzaEvent): void {
  if (room.affiliates.of(from) !== 'owner') throw new StanzaError('forbidden', 'Only owners can configure rooms')
}

function readDestruction(room: Room, destroy: Element): Destruction {
  const { jid } = destroy.attrs
  return {
    venue: jid === undefined ? undefined : parseVenue(room, jid),
    reason: destroy.child('reason')?.getText() || undefined,
    password: destroy.child('password')?.getText() || undefined,
  }
}

function parseVenue(room: Room, text: string): string {
  try {
    return room.service.host.parseJid(text).full
  } catch (error) {
    if (!(error instanceof JidError)) throw error
    throw new StanzaError('jid-malformed', 'The address of the new venue is malformed', { cause: error })
  }
}
