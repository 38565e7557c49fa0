/** XEP-0045 §7.2.3, §7.2.4: who sees the real addresses of occupants. */
import { t } from '../../../server/config/types.ts'
import type { Occupant } from '../occupant.ts'
import { roomOption, type RoomValue } from '../options.ts'
import type { Room } from '../room.ts'

export const whois = roomOption<'moderators' | 'anyone'>({
  key: 'whois',
  section: 'permissions',
  field: {
    type: 'list-single',
    var: 'muc#roomconfig_whois',
    label: 'Who sees the addresses of occupants',
    options: [
      { value: 'moderators', label: 'Moderators' },
      { value: 'anyone', label: 'Everyone' },
    ],
  },
  preset: t
    .oneOf('moderators', 'anyone')
    .default('moderators')
    .describe('Who sees the addresses of occupants in a new room.'),
  features: (who) => [who === 'anyone' ? 'muc_nonanonymous' : 'muc_semianonymous'],
  statuses: (who) => [who === 'anyone' ? 172 : 173],
})

/** When the room became non-anonymous, in milliseconds since 1970: what was said before was said by nicknames. */
export const knownSince: RoomValue<number> = { key: 'known_since', initial: 0 }

export function isNonAnonymous(room: Room): boolean {
  return room.get(whois) === 'anyone'
}

/** True if the occupant may know who the others are. */
export function seesJids(room: Room, occupant: Occupant): boolean {
  return occupant.role === 'moderator' || isNonAnonymous(room)
}
