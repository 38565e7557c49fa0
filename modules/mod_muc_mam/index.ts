/** XEP-0313: Message Archive Management, for rooms. */
import { t } from '../../server/config/types.ts'
import { defineModule } from '../../server/host/module.ts'
import { pageOptions } from '../../server/protocol/archive-options.ts'
import { NS_MAM_EXTENDED } from '../../server/protocol/archive-query.ts'
import { type OwnLimits, setupRetention } from '../../server/admin/archive-retention.ts'
import { messageText, NS_FULLTEXT } from '../../server/protocol/archive-text.ts'
import { ArchiveReader } from '../../server/protocol/archive-reader.ts'
import { NS } from '../../server/xml/ns.ts'
import { archive, keyval } from '../../storage/store.ts'
import { setupKeeping } from './keeping.ts'
import { isArchived, isLogged, optionsFor } from './options.ts'
import { setupRequests } from './requests.ts'
import { setupWishes } from './wishes.ts'

export default defineModule({
  name: 'muc_mam',
  about: 'keeps what is said in rooms, for their occupants to read again',
  xeps: { 313: '1.1.3', 359: '0.7.0', 431: '0.2.0' },
  on: ['muc'],
  depends: ['muc'],
  config: {
    default_archiving: t.boolean().default(true).describe('Whether what is said in a new room is archived.'),
    default_logging: t
      .boolean()
      .default(false)
      .describe('Whether anybody may read the archive of a new room who could enter it.'),
    expire_after: t
      .duration()
      .default(Infinity)
      .describe('How long messages are kept; owners can have them go earlier.'),
    max_messages: t.integer({ min: 1 }).optional().describe('Messages kept for a room; the oldest go.'),
    ...pageOptions,
  },
  stores: {
    messages: archive('muc_archive', { textOf: messageText }),
    wished: keyval<number>('muc_archive_wished'),
    limits: keyval<OwnLimits>('muc_archive_limits'),
  },

  setup(host, { config, stores: { messages, wished, limits } }) {
    const reader = new ArchiveReader(messages)
    for (const option of optionsFor(config)) host.provide('room-option', option)
    host.feature(NS.mam)

    host.on('muc/room-info', (told) => {
      if (told.room.get(isArchived)) told.features = [...told.features, NS.mam, NS_MAM_EXTENDED, NS_FULLTEXT]
    })
    // Whoever enters is told that others read along (XEP-0045 §7.2.12).
    host.on('muc/entering', ({ room, warnings }) => {
      if (isLogged(room)) warnings.push(170)
      return undefined
    })
    host.on('muc/destroyed', ({ room }) => reader.forget(room.node))

    setupKeeping(host, messages, reader)
    setupRequests(host, reader, { usual: config.page, limit: config.max_page })
    setupWishes(host, wished)
    const usual = { ageSeconds: config.expire_after, messages: config.max_messages ?? Infinity }
    setupRetention(host, { messages, reader, limits, usual, wished })
  },
})
