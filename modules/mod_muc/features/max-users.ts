/** XEP-0045 §7.2.9: how many may be in a room. */
import { t } from '../../../server/config/types.ts'
import { roomOption } from '../options.ts'
import type { Room } from '../room.ts'

const CHOICES = ['10', '20', '50', '100', '200', '500', '1000', 'none'] as const

/** Admins and owners come in beyond the limit, up to so many more (§7.2.9). */
const ROOM_FOR_ADMINS = 20

export const maxUsers = roomOption<string>({
  key: 'max_users',
  section: 'access',
  field: {
    type: 'list-single',
    var: 'muc#roomconfig_maxusers',
    label: 'How many may be in the room',
    options: CHOICES.map((value) => ({ value, label: value === 'none' ? 'As many as the service allows' : value })),
  },
  preset: t
    .oneOf(...CHOICES)
    .default('none')
    .describe('How many may be in a new room.'),
})

/** How many may be in the room at a time. */
export function capacityOf(room: Room, whom: 'anyone' | 'admins'): number {
  const wanted = room.get(maxUsers)
  const most = room.service.config.max_occupants
  const capacity = wanted === 'none' ? most : Math.min(Number(wanted), most)
  return whom === 'admins' ? capacity + ROOM_FOR_ADMINS : capacity
}
