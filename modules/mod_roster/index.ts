/** RFC 6121 §2, §3: contacts and subscriptions. */
import { LRUCache } from 'lru-cache'
import { t } from '../../server/config/types.ts'
import type { Notice } from '../../server/host/hooks.ts'
import { defineModule } from '../../server/host/module.ts'
import type { Jid } from '../../server/jid/jid.ts'
import type { Maybe } from '../../server/util/maybe.ts'
import { map } from '../../storage/store.ts'
import { setupContacts } from './contacts.ts'
import { Roster, type StoredContact } from './roster.ts'
import { setupSubscriptions } from './subscriptions.ts'

export type { Roster, RosterItem } from './roster.ts'

/** The rosters of a host. */
export interface Rosters {
  /** The roster of an account: at once if it has sessions, else perhaps later. An account without one has an empty one. */
  of(node: string): Maybe<Roster>
  /** Tells the account's clients how a contact stands now (RFC 6121 §2.1.6). */
  push(roster: Roster, contact: Jid): void
}

declare module '../../server/host/module.ts' {
  interface Services {
    roster: Rosters
  }
}

declare module '../../server/host/events.ts' {
  interface HostHooks {
    /** A contact gets the presence of an account from now on, or no longer. */
    'roster/subscriber-added': Notice<{ readonly account: Jid; readonly contact: Jid }>
    'roster/subscriber-removed': Notice<{ readonly account: Jid; readonly contact: Jid }>
    /** An account has taken a contact from its roster. */
    'roster/contact-removed': Notice<{ readonly account: Jid; readonly contact: Jid }>
  }
}

/** Rosters of accounts without sessions that are kept at hand. */
const ROSTERS_AT_HAND = 2000

export default defineModule({
  name: 'roster',
  about: 'keeps contacts, and who may see whose presence',
  rfcs: [6121],
  xeps: { 237: '1.3' },
  on: ['local'],
  depends: ['accounts'],
  config: {
    max_contacts: t.integer({ min: 1 }).default(5000).describe('Contacts that an account may have.'),
    max_requests: t.integer({ min: 1 }).default(500).describe('Unanswered requests that are kept for an account.'),
  },
  stores: { contacts: map<StoredContact>('roster') },

  setup(host, { config, stores }) {
    const idle = new LRUCache<string, Roster>({ max: ROSTERS_AT_HAND })
    const loading = new Map<string, Promise<Roster>>()
    // An account with sessions has its roster with it, however many others there are.
    const held = host.accountSlot('roster', (): { roster: Roster | undefined } => ({ roster: undefined }))
    const bareOf = (node: string): string => `${node}@${host.domain}`

    host.on('session/binding', async ({ account }) => {
      const holder = held(account)
      holder.roster ??= await rosters.of(account.jid.node ?? '')
    })

    // Deleted with the account: nobody may find it in memory afterwards.
    host.on('account/removing', ({ node }) => void idle.delete(node), 'fallback')

    const push = setupContacts(host, { of: (node) => rosters.of(node) }, config.max_contacts)
    const rosters: Rosters = {
      of(node) {
        const account = host.account(bareOf(node))
        return (account && held(account).roster) ?? idle.get(node) ?? loading.get(node) ?? load(node)
      },
      push,
    }

    setupSubscriptions(host, rosters, config.max_requests)
    return rosters

    async function load(node: string): Promise<Roster> {
      const loaded = Roster.load(node, stores.contacts).finally(() => loading.delete(node))
      loading.set(node, loaded)
      const roster = await loaded
      idle.set(node, roster)
      return roster
    }
  },
})
