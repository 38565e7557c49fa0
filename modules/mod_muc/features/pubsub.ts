/** XEP-0045 §16.5.3, §16.5.4: a publish-subscribe node that belongs to a room. */
import { t } from '../../../server/config/types.ts'
import { roomOption } from '../options.ts'

const URI_CHARS = 1000

export const pubsubNode = roomOption({
  key: 'pubsub',
  section: 'general',
  field: {
    type: 'text-single',
    var: 'muc#roomconfig_pubsub',
    label: 'XMPP URI of a publish-subscribe node that belongs to the room',
    maxChars: URI_CHARS,
  },
  preset: t.string().default('').describe('The publish-subscribe node that belongs to a new room, as a URI.'),
  info: (value) =>
    value === ''
      ? []
      : [{ field: { type: 'text-single', var: 'muc#roominfo_pubsub', label: 'Publish-subscribe node' }, value }],
})
