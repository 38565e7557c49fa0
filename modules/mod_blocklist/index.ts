/** XEP-0191: Blocking Command, with XEP-0377: Blocking Command Reports. */
import { t } from '../../server/config/types.ts'
import { defineModule } from '../../server/host/module.ts'
import type { Jid } from '../../server/jid/jid.ts'
import { isPending, type Maybe } from '../../server/util/maybe.ts'
import { NS } from '../../server/xml/ns.ts'
import { archive, map } from '../../storage/store.ts'
import { type Blocking, isBlocked } from './blocklist.ts'
import { setupGuards } from './guards.ts'
import { Blocklists } from './lists.ts'
import { setupReports } from './reports.ts'
import { setupRequests } from './requests.ts'

/** For whoever acts in the name of accounts. */
export interface BlocklistService {
  /** Whether an account of this host has blocked somebody: known at once if the account has sessions. */
  hasBlocked(account: Jid, other: Jid): Maybe<boolean>
}

declare module '../../server/host/module.ts' {
  interface Services {
    blocklist: BlocklistService
  }
}

const DAY = 86_400

export default defineModule({
  name: 'blocklist',
  about: 'lets accounts block others, and report them',
  xeps: { 191: '1.3', 377: '0.4.1' },
  on: ['local'],
  depends: ['roster'],
  config: {
    max_items: t.integer({ min: 1 }).default(1000).describe('Addresses that an account may block.'),
    bounce_messages: t
      .boolean()
      .default(false)
      .describe('Whether somebody who is blocked hears that a message did not arrive.'),
    report_to: t.list(t.jid()).default([]).describe('Who is told of reports; if nobody, the admins of the host are.'),
    keep_reports: t
      .duration()
      .default(90 * DAY)
      .describe('How long reports are kept.'),
  },
  stores: { blocked: map<Blocking>('blocklist'), reports: archive('spam_reports') },

  setup(host, { config, stores }) {
    const lists = new Blocklists(host, stores.blocked)
    const reports = setupReports(host, stores.reports, {
      recipients: config.report_to,
      keptSeconds: config.keep_reports,
    })
    host.feature(NS.blocking)
    setupGuards(host, lists, config.bounce_messages)
    setupRequests(host, lists, reports, config.max_items)

    return {
      hasBlocked(account, other) {
        const list = lists.of(account)
        return isPending(list) ? list.then((loaded) => isBlocked(loaded, other)) : isBlocked(list, other)
      },
    } satisfies BlocklistService
  },
})
