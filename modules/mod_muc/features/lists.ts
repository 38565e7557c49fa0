/** XEP-0045 §6.5, §16.5.3: who is told who is in a room, and who belongs to it. */
import { t } from '../../../server/config/types.ts'
import { roomOption } from '../options.ts'
import type { Role } from '../privileges.ts'
import type { Room } from '../room.ts'

const READERS = ['moderator', 'participant', 'visitor'] as const

export const publicOccupants = roomOption({
  key: 'public_occupants',
  section: 'general',
  field: { type: 'boolean', var: 'public_list', label: 'Tell everybody the nicknames of those who are in the room' },
  aliases: ['muc#roomconfig_public_list'],
  preset: t.boolean().default(false).describe('Whether everybody is told the nicknames of occupants of a new room.'),
})

export const memberListReaders = roomOption<readonly string[]>({
  key: 'member_list_readers',
  section: 'permissions',
  field: {
    type: 'list-multi',
    var: 'muc#roomconfig_getmemberlist',
    label: 'Which occupants may read the list of members, besides admins',
    options: [
      { value: 'moderator', label: 'Moderators' },
      { value: 'participant', label: 'Participants' },
      { value: 'visitor', label: 'Visitors' },
    ],
  },
  preset: t
    .list(t.oneOf(...READERS))
    .default([])
    .describe('Which occupants of a new room may read the list of members, by role.'),
})

/** True if occupants of that role may read who the members are. */
export function mayReadMembers(room: Room, role: Role | undefined): boolean {
  return role !== undefined && room.get(memberListReaders).includes(role)
}
