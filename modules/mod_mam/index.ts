/** XEP-0313: Message Archive Management, for the accounts of a host, with preferences (XEP-0441). */
import { t } from '../../server/config/types.ts'
import { defineModule } from '../../server/host/module.ts'
import { pageOptions } from '../../server/protocol/archive-options.ts'
import { ArchiveReader } from '../../server/protocol/archive-reader.ts'
import { NS_MAM_EXTENDED } from '../../server/protocol/archive-query.ts'
import { type OwnLimits, setupRetention } from '../../server/admin/archive-retention.ts'
import { messageText, NS_FULLTEXT } from '../../server/protocol/archive-text.ts'
import { NS_TOMBSTONE } from '../../server/protocol/retraction.ts'
import { NS } from '../../server/xml/ns.ts'
import { archive, type ArchiveItem, keyval } from '../../storage/store.ts'
import { setupKeeping } from './keeping.ts'
import { policies, type StoredPreferences } from './preferences.ts'
import { setupRequests } from './requests.ts'
import { Tombstones } from './tombstones.ts'
import { Wishes } from './wishes.ts'
import { Writes } from './writes.ts'

/** The archives of the accounts of a host. */
export interface MessageArchive {
  /** A message by its id in the archive of an account. */
  get(node: string, id: string): Promise<ArchiveItem | undefined>
}

declare module '../../server/host/module.ts' {
  interface Services {
    mam: MessageArchive
  }
}

export default defineModule({
  name: 'mam',
  about: 'keeps the messages of accounts, for clients to read again',
  xeps: { 313: '1.1.3', 359: '0.7.0', 424: '0.4.2', 431: '0.2.0', 441: '0.2.0' },
  on: ['local'],
  depends: ['accounts', 'roster'],
  config: {
    default_policy: t
      .oneOf(...policies)
      .default('always')
      .describe(
        'Whose messages are archived for accounts that have not said: anybody’s, nobody’s, or those of contacts.',
      ),
    expire_after: t.duration().default(Infinity).describe('How long messages are kept.'),
    max_messages: t.integer({ min: 1 }).optional().describe('Messages kept for an account; the oldest go.'),
    ...pageOptions,
  },
  stores: {
    messages: archive('archive', { textOf: messageText }),
    preferences: keyval<StoredPreferences>('archive_preferences'),
    limits: keyval<OwnLimits>('archive_limits'),
  },

  setup(host, { config, stores: { messages, preferences, limits } }) {
    const wishes = new Wishes(host, preferences, config.default_policy)
    const tombstones = new Tombstones(host, messages)
    const writes = new Writes(host.log, host.clock)
    const reader = new ArchiveReader(messages)
    const pages = { usual: config.page, limit: config.max_page }

    const features = [NS.mam, NS_MAM_EXTENDED, NS_FULLTEXT, NS.sid, NS.retract, NS_TOMBSTONE]
    for (const ns of features) host.provide('account-feature', ns)
    setupKeeping(host, { messages, reader, wishes, tombstones, writes })
    setupRequests(host, { reader, wishes, tombstones, writes, pages })
    const usual = { ageSeconds: config.expire_after, messages: config.max_messages ?? Infinity }
    setupRetention(host, { messages, reader, limits, usual })
    // Deleted with the account.
    host.on('account/removing', ({ node }) => reader.forget(node), 'fallback')

    return { get: (node, id) => messages.get(node, id) } satisfies MessageArchive
  },
})
