/** XEP-0045 §16.5.3: the options of all rooms, in the order of the configuration form. */
import type { Option } from '../../server/config/types.ts'
import { historyLength, usualHistory } from './features/history.ts'
import { memberInvites } from './features/invites.ts'
import { memberListReaders, publicOccupants } from './features/lists.ts'
import { isMembersOnly, isModerated, isPersistent, isPublic } from './features/kinds.ts'
import { maxUsers } from './features/max-users.ts'
import { description, language, roomName } from './features/name.ts'
import { isProtected, password } from './features/password.ts'
import { presenceBroadcast } from './features/presence-broadcast.ts'
import { moderatorMessages, privateMessages, visitorMessages } from './features/private-messages.ts'
import { pubsubNode } from './features/pubsub.ts'
import { allowsQueries } from './features/queries.ts'
import { registrationPolicy } from './features/registration-policy.ts'
import { mayChangeSubject } from './features/subject.ts'
import {
  newcomersHaveVoice,
  visitorNicks,
  visitorStatus,
  voiceRequestInterval,
  voiceRequests,
} from './features/visitors.ts'
import { whois } from './features/whois.ts'
import { type OwnOption, presetName } from './options.ts'

export const roomOptions: readonly OwnOption<unknown>[] = [
  roomName,
  description,
  language,
  isPersistent,
  isPublic,
  publicOccupants,
  pubsubNode,
  isProtected,
  password,
  isMembersOnly,
  memberInvites,
  registrationPolicy,
  maxUsers,
  mayChangeSubject,
  isModerated,
  newcomersHaveVoice,
  whois,
  memberListReaders,
  visitorStatus,
  visitorNicks,
  voiceRequests,
  voiceRequestInterval,
  allowsQueries,
  historyLength,
  usualHistory,
  presenceBroadcast,
  privateMessages,
  moderatorMessages,
  visitorMessages,
]

/** The options of the service that say how new rooms are. */
export const presets: Readonly<Record<string, Option<unknown>>> = Object.fromEntries(
  roomOptions.map(({ key, preset }) => [presetName(key), preset]),
)
