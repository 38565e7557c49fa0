/** XEP-0045 §10.1: making a room by entering it. */
import type { Jid } from '../../server/jid/jid.ts'
import { nodeprep } from '../../server/jid/prepare.ts'
import type { StanzaEvent } from '../../server/routed-stanza.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import type { Maybe } from '../../server/util/maybe.ts'
import { NS } from '../../server/xml/ns.ts'
import { absence } from './dispatch.ts'
import { enter } from './entry.ts'
import { isProtected, password } from './features/password.ts'
import { checkNick } from './nicknames.ts'
import type { Room } from './room.ts'
import type { Rooms } from './rooms.ts'
import { isServiceAdmin, type MucService } from './service.ts'

/** Lets somebody into a room that does not exist yet. Throws a StanzaError if they may not make it. */
export function createAndEnter(service: MucService, rooms: Rooms, event: StanzaEvent): Maybe<void> {
  const { from, to, stanza } = event
  const nick = to.resource
  if (nick === undefined) throw new StanzaError('jid-malformed', 'Under which nickname?')
  checkMayCreate(service, rooms, to, from)
  const room = rooms.create(to.toBare(), from, stanza.lang)
  return rooms.use(room, () => open(room, event, nick))
}

async function open(room: Room, event: StanzaEvent, nick: string): Promise<void> {
  checkNick(room, nick)
  // A password in the first presence is meant for all who come (§7.2.5 knows no other way to say so).
  const secret = event.stanza.child('x', NS.muc)?.child('password')?.getText() ?? ''
  const protection: [string, unknown][] = [
    [password.key, secret],
    [isProtected.key, true],
  ]
  if (secret !== '') await room.setValues(new Map(protection))
  if (!room.service.config.lock_new_rooms) await room.unlock()
  await enter(room, event, nick, [201])
}

function checkMayCreate(service: MucService, rooms: Rooms, to: Jid, from: Jid): void {
  const { host, config } = service
  const isAdmin = isServiceAdmin(service, from.bare)
  const stone = rooms.tombstone(to.node ?? '')
  if (stone !== undefined && !isAdmin) throw absence(stone)
  const mayCreate = { anyone: true, local: host.siblings('local').includes(from.domain), admins: false }
  if (!isAdmin && !mayCreate[config.restrict_room_creation]) {
    throw new StanzaError('not-allowed', 'You may not make rooms here')
  }
  // As for nicknames: no names of which nobody can tell whether they look alike.
  if (nodeprep(to.node ?? '', 'refused') === undefined) throw new StanzaError('jid-malformed')
  if (rooms.count >= config.max_rooms) throw new StanzaError('resource-constraint', 'There are too many rooms')
}
