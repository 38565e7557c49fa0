/** RFC 6121 §2, §3: contacts and subscriptions. */
import { LRUCache } from 'lru-cache'
import { t } from '../../server/config/types.ts'
import type { Notice, Shape } from '../../server/host/hooks.ts'
import { defineModule } from '../../server/host/module.ts'
import type { Jid } from '../../server/jid/jid.ts'
import type { ClientSession } from '../../server/session/client-session.ts'
import { isPending, type Maybe } from '../../server/util/maybe.ts'
import type { Stanza } from '../../server/xml/stanza.ts'
import { map } from '../../storage/store.ts'
import { setupContacts, tell } from './contacts.ts'
import { Roster, type PushProgress, type SharedContacts, type StoredContact } from './roster.ts'
import { setupStanding } from './standing.ts'
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
  push(roster: Roster, contact: Jid, progress?: PushProgress): void
  /** To the clients of the account that have asked for its roster ("interested resources", RFC 6121 §2.2). */
  sendToInterested(roster: Roster, stanzaFor: (session: ClientSession) => Stanza): void
  /** Grants the request of a contact in the name of an account, and asks for the same (XEP-0379 §3.5). */
  accept(account: Jid, contact: Jid): Promise<void>
  /** A contact has another address: it is granted what the former was, which is granted nothing more (XEP-0283 §4.4). */
  follow(account: Jid, former: Jid, contact: Jid): Promise<void>
  /** Makes each of two accounts a contact of the other, both of whom have agreed. */
  befriend(one: Jid, other: Jid): Promise<void>
  /** Asks anew who shares contacts with an account, and tells its clients what has changed. */
  regroup(node: string): void
}

declare module '../../server/host/module.ts' {
  interface Services {
    roster: Rosters
  }
}

declare module '../../server/host/events.ts' {
  interface HostHooks {
    /** Whom an account has as contacts for what it belongs to, by bare JID, and the groups that they are shown in. */
    'roster/sharing': Shape<{ readonly node: string; contacts: SharedContacts }>
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
      sizeCalculation: ({ items, requests }) => items.size + requests.size + ROSTER_COUNTS,
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

    const contacts = setupContacts(host, { of }, config.max_contacts)
    const standing = setupStanding(host, { of, ...contacts }, config.max_contacts)
    setupSubscriptions(host, { of, ...contacts }, standing, config.max_requests)
    return {
      of,
      mayKnow(asking, account) {
        if (asking.bare === account.bare) return true
        const roster = of(account.node ?? '')
        return isPending(roster) ? roster.then((loaded) => loaded.seesUs(asking)) : roster.seesUs(asking)
      },
      ...contacts,
      accept: standing.accept,
      befriend: standing.befriend,
      follow: standing.follow,
      regroup(node) {
        const account = host.account(bareOf(node))
        const roster = (account && held(account).roster) ?? idle.get(node)
        if (roster !== undefined) regroup(roster, contacts)
        // One that is being read may have asked too early.
        void loading.get(node)?.then((loaded) => regroup(loaded, contacts))
      },
    } satisfies Rosters

    function regroup(roster: Roster, { push }: Pick<Rosters, 'push'>): void {
      const account = host.jid.withNode(roster.owner)
      const { items: known, subscribers } = roster
      const seenBefore = new Set(subscribers)
      const changed = roster.share(sharedWith(roster.owner))
      for (const [i, bare] of changed.entries()) {
        const contact = host.parseJid(bare)
        push(roster, contact, i < changed.length - 1 ? 'unfinished' : 'done')
        const [before, after] = [seenBefore.has(bare), roster.seesUs(contact)]
        if (after && !before) host.announce('roster/subscriber-added', { account, contact })
        if (before && !after) host.announce('roster/subscriber-removed', { account, contact })
        host.announce('roster/regrouped', { account, contact, before: known.get(bare)?.groups ?? [] })
      }
    }

    function sharedWith(node: string): SharedContacts {
      const shape: { node: string; contacts: SharedContacts } = { node, contacts: new Map() }
      host.fire('roster/sharing', shape)
      return shape.contacts
    }

    function of(node: string): Maybe<Roster> {
      const account = host.account(bareOf(node))
      return (account && held(account).roster) ?? idle.get(node) ?? loading.get(node) ?? load(node)
    }

    async function load(node: string): Promise<Roster> {
      const loaded = Roster.load(node, stores.contacts).then((roster) => {
        roster.share(sharedWith(node))
        return roster
      })
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
