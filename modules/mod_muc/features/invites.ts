/** XEP-0045 §9.5: whether members may invite others to a members-only room. */
import { t } from '../../../server/config/types.ts'
import { roomOption } from '../options.ts'

export const memberInvites = roomOption({
  key: 'member_invites',
  section: 'access',
  field: { type: 'boolean', var: 'muc#roomconfig_allowinvites', label: 'Members may invite others' },
  aliases: ['{http://prosody.im/protocol/muc}roomconfig_allowmemberinvites'],
  preset: t.boolean().default(false).describe('Whether members of a new members-only room may invite others.'),
  info: (value) => [
    {
      field: {
        type: 'boolean',
        var: '{http://prosody.im/protocol/muc}roomconfig_allowmemberinvites',
        label: 'Members may invite others',
      },
      value,
    },
  ],
})
