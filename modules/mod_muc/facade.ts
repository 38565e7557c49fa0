/** What other modules can do with the rooms of a service. */
import type { Jid } from '../../server/jid/jid.ts'
import type { Maybe } from '../../server/util/maybe.ts'
import { type Element, xml } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'
import type { Stanza } from '../../server/xml/stanza.ts'
import { changeList } from './admin.ts'
import { type AffiliationChange, changeAffiliations, type Circumstances } from './affiliation-changes.ts'
import { appear } from './announcements.ts'
import { announceConfiguration } from './configuration.ts'
import { isNonAnonymous } from './features/whois.ts'
import { broadcast } from './messages.ts'
import type { Occupant } from './occupant.ts'
import { personOf } from './people.ts'
import { type Affiliation, isAtLeast } from './privileges.ts'
import type { Room } from './room.ts'
import type { Rooms } from './rooms.ts'
import { isServiceAdmin, mayListRooms, type MucService } from './service.ts'

export interface MultiUserChat {
  readonly rooms: Rooms
  /** Lets a room say something to everybody who is in it. In its turn. */
  say(room: Room, stanza: Stanza): Maybe<void>
  /** Shows an occupant anew: something that is shown of it has changed. In its turn. */
  show(room: Room, occupant: Occupant): Maybe<void>
  /** Tells everybody that the configuration has changed, with these status codes. */
  announce(room: Room, statuses: readonly number[]): Maybe<void>
  /** Checks what only shows when changes are seen together, stores them, and tells everybody. In its turn. */
  changeAffiliations(room: Room, changes: readonly AffiliationChange[], circumstances: Circumstances): Promise<void>
  /** Does what somebody asks for in muc#admin, if they may: the items are those of a request (XEP-0045 §17.4). */
  administer(room: Room, whom: Jid, items: readonly Element[]): Promise<void>
  isAtLeast(affiliation: Affiliation, least: Affiliation): boolean
  /** True for moderators, and for admins wherever they are. */
  mayModerate(room: Room, whom: Jid): boolean
  /** True for those who may know who the others are. */
  seesJids(room: Room, whom: Jid): boolean
  isServiceAdmin(whom: Jid): Maybe<boolean>
  /** Who is told which public rooms there are. */
  mayList(whom: Jid): Maybe<boolean>
  /** Who has, or has had, that occupant id, if it can be found out (XEP-0421). */
  personOf(room: Room, occupantId: string): Promise<Jid | undefined>
}

export function facadeOf(service: MucService, rooms: Rooms): MultiUserChat {
  return {
    rooms,
    say: (room, stanza) => {
      const said = { room, stanza, id: undefined }
      service.host.fire('muc/said', said)
      return broadcast(room, said.stanza)
    },
    show: (room, occupant) => {
      occupant.refresh()
      return appear(room, occupant)
    },
    announce: announceConfiguration,
    changeAffiliations,
    administer: (room, from, items) => changeList(room, { from }, xml('query', { xmlns: NS.mucAdmin }, ...items)),
    isAtLeast,
    mayModerate,
    seesJids: (room, whom) => isNonAnonymous(room) || mayModerate(room, whom),
    isServiceAdmin: (whom) => isServiceAdmin(service, whom),
    mayList: (whom) => mayListRooms(service, whom),
    personOf,
  }
}

function mayModerate(room: Room, whom: Jid): boolean {
  const role = room.sessions.get(whom.full)?.occupant.role
  return role === 'moderator' || isAtLeast(room.affiliates.of(whom), 'admin')
}
