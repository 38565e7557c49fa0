/** XEP-0045 §16.5.3: the options of all rooms, in the order of the configuration form. */
import type { Option } from '../../server/config/types.ts'
import { historyLength, usualHistory } from './features/history.ts'
import { memberInvites } from './features/invites.ts'
import { isMembersOnly, isModerated, isPersistent, isPublic } from './features/kinds.ts'
import { maxUsers } from './features/max-users.ts'
import { description, language, roomName } from './features/name.ts'
import { isProtected, password } from './features/password.ts'
import { presenceBroadcast } from './features/presence-broadcast.ts'
import { moderatorMessages, privateMessages } from './features/private-messages.ts'
import { mayChangeSubject } from './features/subject.ts'
import { whois } from './features/whois.ts'
import { type AnyRoomOption, presetName } from './options.ts'

export const roomOptions: readonly AnyRoomOption[] = [
  roomName,
  description,
  language,
  isPersistent,
  isPublic,
  isProtected,
  password,
  isMembersOnly,
  memberInvites,
  maxUsers,
  mayChangeSubject,
  isModerated,
  whois,
  historyLength,
  usualHistory,
  presenceBroadcast,
  privateMessages,
  moderatorMessages,
]

/** The options of the service that say how new rooms are. */
export const presets: Readonly<Record<string, Option<unknown>>> = Object.fromEntries(
  roomOptions.map(({ key, preset }) => [presetName(key), preset]),
)
