/** XEP-0045 §7.2.5: rooms that ask for a password. */
import { createHash, timingSafeEqual } from 'node:crypto'
import { t } from '../../../server/config/types.ts'
import { StanzaError } from '../../../server/stanza-error.ts'
import { roomOption } from '../options.ts'
import type { Room } from '../room.ts'

const PASSWORD_CHARS = 200

export const isProtected = roomOption({
  key: 'password_protected',
  section: 'access',
  field: {
    type: 'boolean',
    var: 'muc#roomconfig_passwordprotectedroom',
    label: 'Whoever enters must know a password',
  },
  preset: t
    .boolean()
    .default(false)
    .describe('Whether new rooms ask for a password; they need `default_password` then.'),
  features: (on) => [on ? 'muc_passwordprotected' : 'muc_unsecured'],
  // Without protection there is no password that could come back with it.
  complete: (changes) => void (changes.get('password_protected') === false && changes.set('password', '')),
})

export const password = roomOption({
  key: 'password',
  section: 'access',
  field: { type: 'text-private', var: 'muc#roomconfig_roomsecret', label: 'Password', maxChars: PASSWORD_CHARS },
  preset: t.string().default('').describe('The password of new rooms.'),
  // Clients that know of no switch set a password, or an empty one.
  complete: (changes) => {
    const submitted = changes.get('password')
    if (submitted !== undefined && !changes.has('password_protected'))
      changes.set('password_protected', submitted !== '')
  },
  check: (valueOf) => {
    if (valueOf(isProtected) && valueOf(password) === '')
      throw new StanzaError('not-acceptable', 'The password is missing')
  },
})

/** The password that whoever enters must know, if any. */
export function passwordOf(room: Room): string | undefined {
  return room.get(isProtected) ? room.get(password) : undefined
}

/** Compares in the same time, wherever the texts differ. */
export function isPassword(given: string | undefined, expected: string): boolean {
  return given !== undefined && timingSafeEqual(digest(given), digest(expected))
}

function digest(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
