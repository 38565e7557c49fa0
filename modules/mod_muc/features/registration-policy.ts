/** XEP-0045 §7.10, §9.9: whether strangers may become members by registering. */
import { t } from '../../../server/config/types.ts'
import { roomOption } from '../options.ts'
import type { Room } from '../room.ts'

const POLICIES = ['closed', 'approval', 'open'] as const
export type RegistrationPolicy = (typeof POLICIES)[number]

export const registrationPolicy = roomOption<RegistrationPolicy>({
  key: 'registration',
  section: 'access',
  field: {
    type: 'list-single',
    var: '{https://madrigal.im/protocol/muc}roomconfig_registration',
    label: 'Whether others may become members by registering',
    options: [
      { value: 'closed', label: 'No' },
      { value: 'approval', label: 'If an admin agrees' },
      { value: 'open', label: 'Yes, unless only members may enter' },
    ],
  },
  preset: t
    .oneOf(...POLICIES)
    .default('closed')
    .describe('Whether strangers may become members of a new room by registering; with `approval`, admins are asked.'),
})

/** What becomes of strangers who want to register. */
export function policyOf(room: Room): RegistrationPolicy {
  const own = room.get(registrationPolicy)
  return own === 'closed' && room.service.config.allow_unaffiliated_register ? 'open' : own
}
