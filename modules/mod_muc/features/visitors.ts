/** What visitors may do besides listening, and how newcomers begin in a moderated room (XEP-0045 §5.1.1). */
import { t } from '../../../server/config/types.ts'
import type { Stanza } from '../../../server/xml/stanza.ts'
import { roomOption } from '../options.ts'
import type { Role } from '../privileges.ts'
import type { Room } from '../room.ts'

const DAY = 86_400

export const newcomersHaveVoice = roomOption({
  key: 'newcomers_have_voice',
  section: 'permissions',
  field: { type: 'boolean', var: 'members_by_default', label: 'Guests begin with voice, also in a moderated room' },
  aliases: ['muc#roomconfig_members_by_default'],
  preset: t.boolean().default(false).describe('Whether guests of a new moderated room begin with voice.'),
})

export const visitorStatus = roomOption({
  key: 'visitor_status',
  section: 'permissions',
  field: {
    type: 'boolean',
    var: 'muc#roomconfig_allowvisitorstatus',
    label: 'Visitors may say something in their presence',
  },
  preset: t.boolean().default(true).describe('Whether the status texts of visitors of a new room are shown.'),
})

export const visitorNicks = roomOption({
  key: 'visitor_nick_changes',
  section: 'permissions',
  field: { type: 'boolean', var: 'muc#roomconfig_allowvisitornickchange', label: 'Visitors may change their nickname' },
  preset: t.boolean().default(true).describe('Whether visitors of a new room may change their nickname.'),
})

export const voiceRequests = roomOption({
  key: 'voice_requests',
  section: 'permissions',
  field: { type: 'boolean', var: 'muc#roomconfig_allowvoicerequests', label: 'Visitors may ask for voice' },
  preset: t.boolean().default(true).describe('Whether visitors of a new room may ask for voice.'),
})

export const voiceRequestInterval = roomOption<number>({
  key: 'voice_request_interval',
  section: 'permissions',
  field: {
    type: 'text-single',
    var: 'muc#roomconfig_voicerequestmininterval',
    label: 'How many seconds a visitor waits before asking for voice again',
    validation: { datatype: 'xs:integer', range: { min: 0, max: DAY } },
  },
  preset: t
    .integer({ min: 0, max: DAY })
    .default(60)
    .describe('Seconds that a visitor of a new room waits before asking for voice again.'),
})

/** What somebody with that role says in their presence, as far as they may. */
export function permittedPresence(room: Room, role: Role, presence: Stanza): Stanza {
  return role === 'visitor' && !room.get(visitorStatus) ? presence.without('status', 'jabber:client') : presence
}
