/** XEP-0045 §7.2.2: whose presence is shown to the room; with `none`, also that of those who are not there. */
import { t } from '../../../server/config/types.ts'
import { roomOption } from '../options.ts'
import type { Role } from '../privileges.ts'
import type { Room } from '../room.ts'

const CHOICES = ['none', 'visitor', 'participant', 'moderator'] as const

export const presenceBroadcast = roomOption<readonly string[]>({
  key: 'presence_broadcast',
  section: 'other',
  field: {
    type: 'list-multi',
    var: 'muc#roomconfig_presencebroadcast',
    label: 'Whose presence is shown',
    options: [
      { value: 'none', label: 'Members who are not in the room' },
      { value: 'visitor', label: 'Visitors' },
      { value: 'participant', label: 'Participants' },
      { value: 'moderator', label: 'Moderators' },
    ],
  },
  preset: t
    .list(t.oneOf(...CHOICES))
    .default(['visitor', 'participant', 'moderator'])
    .describe('Whose presence is shown in a new room, by role; `none` are members who are not there.'),
  statuses: (value, before) => {
    const shows = value.includes('none')
    const hasShown = before.includes('none')
    const others = CHOICES.some((role) => role !== 'none' && value.includes(role) !== before.includes(role))
    return [...(shows === hasShown ? [] : [shows ? 102 : 103]), ...(others ? [104] : [])]
  },
})

/** True if occupants of that role are shown to others. */
export function isShown(room: Room, role: Role): boolean {
  return room.get(presenceBroadcast).includes(role)
}

export function showsAbsentees(room: Room): boolean {
  return room.get(presenceBroadcast).includes('none')
}
