/** XEP-0045 §10.1: making a room by entering it. */
import { nodeprep } from '../../server/jid/prepare.ts'
import type { StanzaEvent } from '../../server/routed-stanza.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import { isPending, type Maybe } from '../../server/util/maybe.ts'
import { NS } from '../../server/xml/ns.ts'
import { absence, inRoom } from './dispatch.ts'
import { enter } from './entry.ts'
import { isProtected, password } from './features/password.ts'
import { checkNick } from './nicknames.ts'
import { takePresence } from './presence.ts'
import type { Room } from './room.ts'
import type { Rooms } from './rooms.ts'
import { isServiceAdmin, type MucService } from './service.ts'

/** Somebody wants to make a room. */
interface Creation {
  readonly service: MucService
  readonly rooms: Rooms
  readonly event: StanzaEvent
}

interface CreationRefusal {
  /** It does not hold for admins of the service. */
  readonly isForAdmins: boolean
  applies(creation: Creation): boolean
  error(creation: Creation): StanzaError
}

/** Why somebody may not make a room, in the order in which it is looked at. */
const creationRefusals: readonly CreationRefusal[] = [
  {
    isForAdmins: true,
    // As for nicknames: no names of which nobody can tell whether they look alike.
    applies: ({ event: { to } }) => nodeprep(to.node ?? '', 'refused') === undefined,
    error: () => new StanzaError('jid-malformed'),
  },
  {
    isForAdmins: true,
    applies: ({ service, rooms }) => rooms.count >= service.config.max_rooms,
    error: () => new StanzaError('resource-constraint', 'There are too many rooms'),
  },
  {
    isForAdmins: false,
    applies: ({ rooms, event }) => rooms.tombstone(event.to.node ?? '') !== undefined,
    error: ({ rooms, event }) => absence(rooms.tombstone(event.to.node ?? '')),
  },
  {
    isForAdmins: false,
    applies: ({ service: { host, config }, event: { from } }) =>
      !{ anyone: true, local: host.siblings('local').includes(from.domain), admins: false }[
        config.restrict_room_creation
      ],
    error: () => new StanzaError('not-allowed', 'You may not make rooms here'),
  },
  {
    isForAdmins: false,
    applies: ({ service, rooms, event }) => rooms.madeBy(event.from.bare) >= service.config.max_rooms_per_creator,
    error: () => new StanzaError('resource-constraint', 'You have made too many rooms'),
  },
]

/** Lets somebody into a room that does not exist yet. Throws, or rejects with, a StanzaError if they may not make it. */
export function createAndEnter(service: MucService, rooms: Rooms, event: StanzaEvent): Maybe<void> {
  const { to, from } = event
  const nick = to.resource
  if (nick === undefined) throw new StanzaError('jid-malformed', 'Under which nickname?')
  const creation = { service, rooms, event }
  const refusal = creationRefusals.find((reason) => reason.applies(creation))
  if (refusal === undefined) return create(creation, nick)
  if (refusal.isForAdmins) throw refusal.error(creation)

  const createAs = (isAdmin: boolean): Maybe<void> => {
    if (!isAdmin) throw refusal.error(creation)
    return create(creation, nick)
  }
  const isAdmin = isServiceAdmin(service, from)
  if (!isPending(isAdmin)) return createAs(isAdmin)
  // Meanwhile somebody else may have made it.
  return isAdmin.then((yes) =>
    inRoom<void>(
      rooms,
      event,
      (room) => takePresence(room, event),
      () => createAs(yes),
    ),
  )
}

function create({ rooms, event }: Creation, nick: string): Maybe<void> {
  const room = rooms.create(event.to.toBare(), event.from, event.stanza.lang)
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
