/** XEP-0045 §4.2: public and hidden, persistent and temporary, members-only and open, moderated and unmoderated rooms. */
import { t } from '../../../server/config/types.ts'
import { roomOption } from '../options.ts'

export const isPersistent = roomOption({
  key: 'persistent',
  section: 'general',
  field: { type: 'boolean', var: 'muc#roomconfig_persistentroom', label: 'Keep the room when nobody is in it' },
  preset: t.boolean().default(false).describe('Whether new rooms are kept when nobody is in them.'),
  needs: 'allow_persistent',
  features: (on) => [on ? 'muc_persistent' : 'muc_temporary'],
})

export const isPublic = roomOption({
  key: 'public',
  section: 'general',
  field: { type: 'boolean', var: 'muc#roomconfig_publicroom', label: 'Show the room in lists' },
  preset: t.boolean().default(false).describe('Whether new rooms are shown in lists.'),
  needs: 'allow_public',
  features: (on) => [on ? 'muc_public' : 'muc_hidden'],
})

export const isMembersOnly = roomOption({
  key: 'members_only',
  section: 'access',
  field: { type: 'boolean', var: 'muc#roomconfig_membersonly', label: 'Only members may enter' },
  preset: t.boolean().default(false).describe('Whether only members may enter a new room.'),
  features: (on) => [on ? 'muc_membersonly' : 'muc_open'],
})

export const isModerated = roomOption({
  key: 'moderated',
  section: 'permissions',
  field: {
    type: 'boolean',
    var: 'muc#roomconfig_moderatedroom',
    label: 'Only members, and those who are given voice, may speak',
  },
  preset: t
    .boolean()
    .default(false)
    .describe('Whether guests must be given voice in a new room before they can speak.'),
  features: (on) => [on ? 'muc_moderated' : 'muc_unmoderated'],
})
