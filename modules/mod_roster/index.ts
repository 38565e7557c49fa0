/** RFC 6121 §2, §3: contacts and subscriptions. */
import { LRUCache } from 'lru-cache'
import { t } from '../../server/config/types.ts'
import type { Notice } from '../../server/host/hooks.ts'
import { defineModule } from '../../server/host/module.ts'
import type { Jid } from '../../server/jid/jid.ts'
import type { ClientSession } from '../../server/session/client-session.ts'
import { isPending, type Maybe } from '../../server/util/maybe.ts'
import type { Stanza } from '../../server/xml/stanza.ts'
import { map } from '../../storage/store.ts'
import { setupContacts, tell } from './contacts.ts'
import { Roster, type StoredContact } from './roster.ts'
import { partingTypes } from './subscription.ts'
import { setupSubscriptions } from './subscriptions.ts'

export type { Roster, RosterItem } from './roster.ts'

/** The rosters of a host. */
export interface Rosters {
  /** The roster of an account: at once if it has sessions, else perhaps later. An account without one has an empty one. */
  of(node: string): Maybe<Roster>
  /** True if somebody may know whether an account is there: it itself, and those who get its presence. */
  mayKnow(asking: Jid, account: Jid): Maybe<boolean>
  /** Tells the account's clients how a contact stands now (RFC 6121 §2.1.6). */
  push(roster: Roster, contact: Jid): void
  /** To the clients of the account that have asked for its roster ("interested resources", RFC 6121 §2.2). */
  sendToInterested(roster: Roster, stanzaFor: (session: ClientSession) => Stanza): void
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
    /** A contact is in other groups from now on; it was in `before`. */
    'roster/regrouped': Notice<{ readonly account: Jid; readonly contact: Jid; readonly before: readonly string[] }>
  }
}

/** Contacts in the rosters of accounts without sessions that are kept at hand; a roster itself counts for a few. */
const CONTACTS_AT_HAND = 100_000
const ROSTER_COUNTS = 10

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
    const idle = new LRUCache<string, Roster>({
      maxSize: CONTACTS_AT_HAND,
      sizeCalculation: ({ size, requests }) => size + requests.size + ROSTER_COUNTS,
    })
    const loading = new Map<string, Promise<Roster>>()
    // An account with sessions has its roster with it, however many others there are.
    const held = host.accountSlot('roster', (): { roster: Roster | undefined } => ({ roster: undefined }))
    const bareOf = (node: string): string => `${node}@${host.domain}`

    host.on('session/binding', async ({ account }) => {
      const holder = held(account)
      holder.roster ??= await of(account.jid.node ?? '')
    })

    // Contacts of an account that goes learn that it is no contact any more (RFC 6121 §2.5.2).
    host.on('account/removing', async ({ node }) => {
      const account = host.jid.withNode(node)
      const roster = await of(node)
      for (const bare of new Set([...roster.items.keys(), ...roster.requests.keys()])) {
        const contact = host.parseJid(bare)
        await tell(host, account, contact, partingTypes(roster.stateOf(contact)).toReversed())
      }
    })
    // Nobody may find it in memory afterwards.
    host.on('account/removed', ({ node }) => {
      loading.delete(node)
      idle.delete(node)
    })

    const rosters: Rosters = {
      of,
      mayKnow(asking, account) {
        if (asking.bare === account.bare) return true
        const roster = of(account.node ?? '')
        return isPending(roster) ? roster.then((loaded) => loaded.seesUs(asking)) : roster.seesUs(asking)
      },
      ...setupContacts(host, { of }, config.max_contacts),
    }
    setupSubscriptions(host, rosters, config)
    return rosters

    function of(node: string): Maybe<Roster> {
      const account = host.account(bareOf(node))
      return (account && held(account).roster) ?? idle.get(node) ?? loading.get(node) ?? load(node)
    }

    async function load(node: string): Promise<Roster> {
      const loaded = Roster.load(node, stores.contacts)
      loading.set(node, loaded)
      try {
        const roster = await loaded
        // Unless its account was removed meanwhile.
        if (loading.get(node) === loaded) idle.set(node, roster)
        return roster
      } finally {
        if (loading.get(node) === loaded) loading.delete(node)
      }
    }
  },
})
