/** XEP-0045 §8.1, §7.2.15: the subject of a room, and who may change it. */
import { t } from '../../../server/config/types.ts'
import { delayElement } from '../../../server/protocol/delay.ts'
import { message } from '../../../server/xml/build.ts'
import { xml } from '../../../server/xml/element.ts'
import { Stanza } from '../../../server/xml/stanza.ts'
import type { Occupant } from '../occupant.ts'
import { roomOption, type RoomValue } from '../options.ts'
import type { Room } from '../room.ts'

export const mayChangeSubject = roomOption({
  key: 'change_subject',
  section: 'permissions',
  field: { type: 'boolean', var: 'muc#roomconfig_changesubject', label: 'Everybody with voice may change the subject' },
  preset: t.boolean().default(false).describe('Whether everybody with voice may change the subject of a new room.'),
  info: (value) => [
    {
      field: {
        type: 'boolean',
        var: 'muc#roomconfig_changesubject',
        label: 'Everybody with voice may change the subject',
      },
      value,
    },
    { field: { type: 'boolean', var: 'muc#roominfo_subjectmod', label: 'Occupants may change the subject' }, value },
  ],
})

/** The message that set the subject, as it was shown, and when that was. */
interface Subject {
  readonly stanza: string
  /** Milliseconds since 1970. */
  readonly at: number
}

export const subject: RoomValue<Subject | undefined> = { key: 'subject', initial: undefined }

/** A subject, and neither a body nor a thread: nothing else changes the subject (§8.1). */
export function isSubjectChange(stanza: Stanza): boolean {
  return stanza.has('subject') && !stanza.has('body') && !stanza.has('thread')
}

export function maySetSubject(room: Room, { role }: Occupant): boolean {
  return role === 'moderator' || (role === 'participant' && room.get(mayChangeSubject))
}

/** Whoever enters is told the subject last; it is empty if there is none (§7.2.15). */
export function subjectMessage(room: Room): Stanza {
  const known = room.get(subject)
  if (known === undefined) return message({ type: 'groupchat', from: room.jid.full }, xml('subject', {}))
  return Stanza.parse(known.stanza).append(delayElement(new Date(known.at), room.jid.full))
}

/** The text of the subject; undefined if there is none. */
export function subjectText(room: Room): string | undefined {
  const known = room.get(subject)
  return (known && Stanza.parse(known.stanza).childText('subject')) || undefined
}
