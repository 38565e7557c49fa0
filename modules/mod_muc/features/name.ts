/** XEP-0045 §6.4, §16.5.3: what a room is called, what it is about, and in which language. */
import { t } from '../../../server/config/types.ts'
import { roomOption } from '../options.ts'

const NAME_CHARS = 200
const DESCRIPTION_CHARS = 2000
/** The longest tags that are registered have 35 characters (BCP 47 §4.4.1). */
const LANGUAGE_CHARS = 35

export const roomName = roomOption({
  key: 'name',
  section: 'general',
  field: { type: 'text-single', var: 'muc#roomconfig_roomname', label: 'Name', maxChars: NAME_CHARS },
  preset: t.string().default('').describe('What a new room is called.'),
  info: (value) => [{ field: { type: 'text-single', var: 'muc#roomconfig_roomname', label: 'Name' }, value }],
})

export const description = roomOption({
  key: 'description',
  section: 'general',
  field: { type: 'text-single', var: 'muc#roomconfig_roomdesc', label: 'Description', maxChars: DESCRIPTION_CHARS },
  preset: t.string().default('').describe('What a new room is about.'),
  info: (value) => [{ field: { type: 'text-single', var: 'muc#roominfo_description', label: 'Description' }, value }],
})

export const language = roomOption({
  key: 'language',
  section: 'general',
  field: {
    type: 'text-single',
    var: 'muc#roomconfig_lang',
    label: 'Language of the discussion (such as "en")',
    maxChars: LANGUAGE_CHARS,
  },
  preset: t.string().default('').describe('The language of a new room, if its creator does not say theirs.'),
  info: (value) => [
    { field: { type: 'text-single', var: 'muc#roominfo_lang', label: 'Language of the discussion' }, value },
  ],
})
