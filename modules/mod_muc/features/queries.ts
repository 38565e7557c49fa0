/** XEP-0045 §17.4: whether occupants may ask each other's clients something. */
import { t } from '../../../server/config/types.ts'
import { roomOption } from '../options.ts'

export const allowsQueries = roomOption({
  key: 'queries',
  section: 'permissions',
  field: { type: 'boolean', var: 'allow_query_users', label: 'Occupants may send requests to each other' },
  aliases: ['muc#roomconfig_allow_query_users'],
  preset: t.boolean().default(true).describe('Whether occupants of a new room may send requests to each other.'),
})
