/** XEP-0045 §7.5: who may write to single occupants. */
import { t } from '../../../server/config/types.ts'
import type { Occupant } from '../occupant.ts'
import { roomOption } from '../options.ts'
import { isAtLeast, isRoleAtLeast } from '../privileges.ts'
import type { Room } from '../room.ts'

const WRITERS = ['anyone', 'participants', 'moderators', 'members', 'none'] as const
type Writers = (typeof WRITERS)[number]

const mayWrite: Readonly<Record<Writers, (room: Room, from: Occupant) => boolean>> = {
  anyone: () => true,
  participants: (_room, { role }) => isRoleAtLeast(role, 'participant'),
  moderators: (_room, { role }) => role === 'moderator',
  members: (room, { bare }) => isAtLeast(room.affiliates.of(bare), 'member'),
  none: () => false,
}

export const privateMessages = roomOption<Writers>({
  key: 'private_messages',
  section: 'other',
  field: {
    type: 'list-single',
    var: 'muc#roomconfig_allowpm',
    label: 'Who may send private messages',
    options: [
      { value: 'anyone', label: 'Everyone' },
      { value: 'participants', label: 'Everyone with voice' },
      { value: 'moderators', label: 'Moderators' },
      { value: 'members', label: 'Members' },
      { value: 'none', label: 'Nobody' },
    ],
    // What Prosody calls them, and what clients therefore send.
    aliases: {
      everyone: 'anyone',
      visitor: 'anyone',
      participant: 'participants',
      moderator: 'moderators',
      affiliated: 'members',
    },
  },
  preset: t
    .oneOf(...WRITERS)
    .default('anyone')
    .describe('Who may send private messages in a new room.'),
})

export const moderatorMessages = roomOption({
  key: 'moderator_messages',
  section: 'other',
  field: {
    type: 'boolean',
    var: '{xmpp:prosody.im}muc#allow_modpm',
    label: 'Private messages from and to moderators are always allowed',
  },
  preset: t
    .boolean()
    .default(false)
    .describe('Whether private messages from and to moderators are always allowed in a new room.'),
})

const VISITED = ['anyone', 'moderators', 'nobody'] as const

export const visitorMessages = roomOption<(typeof VISITED)[number]>({
  key: 'visitor_messages',
  section: 'other',
  field: {
    type: 'list-single',
    var: 'allow_private_messages_from_visitors',
    label: 'To whom visitors may send private messages, if they may',
    options: [
      { value: 'anyone', label: 'Everyone' },
      { value: 'moderators', label: 'Moderators' },
      { value: 'nobody', label: 'Nobody' },
    ],
  },
  aliases: ['muc#roomconfig_allow_private_messages_from_visitors'],
  preset: t
    .oneOf(...VISITED)
    .default('anyone')
    .describe('To whom visitors of a new room may send private messages, if they may.'),
})

export function mayWriteTo(room: Room, from: Occupant, to: Occupant): boolean {
  if (room.get(moderatorMessages) && (from.role === 'moderator' || to.role === 'moderator')) return true
  return mayWrite[room.get(privateMessages)](room, from) && (from.role !== 'visitor' || mayHearVisitors(room, to))
}

function mayHearVisitors(room: Room, { role }: Occupant): boolean {
  return { anyone: true, moderators: role === 'moderator', nobody: false }[room.get(visitorMessages)]
}
