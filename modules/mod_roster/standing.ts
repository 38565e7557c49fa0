/** How an account stands with a contact, changed: stored, shown to its clients, and announced. */
import type { ModuleHost } from '../../server/host/host.ts'
import type { Jid } from '../../server/jid/jid.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import { tell } from './contacts.ts'
import type { Rosters } from './index.ts'
import { newItem, type Roster, withState } from './roster.ts'
import type { SubscriptionState } from './subscription.ts'

interface Details {
  /** Whether the contact is approved before it asks; as it was if absent. */
  readonly approved?: boolean | undefined
  /** The stanza with which it has asked. */
  readonly request?: string
  /** Shows the clients what has changed it. */
  readonly show?: () => void
}

export interface Standing extends Pick<Rosters, 'accept' | 'befriend' | 'follow'> {
  readonly change: (roster: Roster, contact: Jid, after: SubscriptionState, details?: Details) => Promise<void>
  /** Tells other modules who gets the account's presence from now on, or no longer. */
  readonly announce: (account: Jid, contact: Jid, before: SubscriptionState, after: SubscriptionState) => void
}

export function setupStanding(
  host: ModuleHost<'accounts'>,
  rosters: Pick<Rosters, 'of' | 'push'>,
  maxContacts: number,
): Standing {
  return {
    change,
    announce,
    async accept(account, contact) {
      const roster = await rosters.of(account.node ?? '')
      const before = roster.stateOf(contact)
      const after = { ...before, from: true, asked: false, ask: !before.to }
      if (roster.sharedGroups(contact) === undefined) await change(roster, contact, after)
      await tell(host, account, contact, before.to ? ['subscribed'] : ['subscribed', 'subscribe'])
      announce(account, contact, before, after)
    },
    async follow(account, former, contact) {
      const roster = await rosters.of(account.node ?? '')
      const [before, old] = [roster.stateOf(contact), roster.stateOf(former)]
      const granted = { ...before, from: true, asked: false }
      await nameLike(roster, former, contact)
      await change(roster, contact, granted)
      await tell(host, account, contact, ['subscribed'])
      announce(account, contact, before, granted)

      // Each address may be left once only (XEP-0283 §6.2).
      const left = { ...old, from: false }
      await change(roster, former, left)
      await tell(host, account, former, ['unsubscribed'])
      announce(account, former, old, left)

      if (!old.to || before.to) return
      await change(roster, contact, { ...granted, ask: true })
      await tell(host, account, contact, ['subscribe'])
    },
    async befriend(one, other) {
      await addFriend(one, other)
      await addFriend(other, one)
    },
  }

  /** Somebody who is no contact yet is called what another contact is called, and stands in the same groups. */
  async function nameLike(roster: Roster, former: Jid, contact: Jid): Promise<void> {
    const known = roster.own(former)
    if (known === undefined || roster.own(contact) !== undefined || roster.size >= maxContacts) return
    const { name, groups } = known
    await roster.set(contact, { ...newItem, name, groups }, roster.requests.get(contact.bare))
  }

  async function addFriend(account: Jid, contact: Jid): Promise<void> {
    const roster = await rosters.of(account.node ?? '')
    const before = roster.stateOf(contact)
    const after = { to: true, from: true, ask: false, asked: false }
    if (roster.sharedGroups(contact) === undefined) await change(roster, contact, after)
    announce(account, contact, before, after)
  }

  /**
   * Stores how a contact stands and tells the clients that care, once that is durable. `show` comes before the push:
   * clients first see the stanza and then what it has done (RFC 6121 §3.1.6).
   */
  async function change(
    roster: Roster,
    contact: Jid,
    after: SubscriptionState,
    { approved, request, show }: Details = {},
  ): Promise<void> {
    const item = roster.own(contact)
    const known = item ?? newItem
    const next = { ...withState(known, after), approved: approved ?? known.approved }
    const isVisible =
      next.subscription !== known.subscription || next.ask !== known.ask || next.approved !== known.approved
    if (isVisible && item === undefined && roster.size >= maxContacts) {
      throw new StanzaError('resource-constraint')
    }
    const kept = after.asked ? (roster.requests.get(contact.bare) ?? request) : undefined
    if (isVisible || kept !== roster.requests.get(contact.bare)) {
      await roster.set(contact, isVisible ? next : item, kept)
    }
    show?.()
    if (isVisible) rosters.push(roster, contact)
  }

  function announce(account: Jid, contact: Jid, before: SubscriptionState, after: SubscriptionState): void {
    if (after.from && !before.from) host.announce('roster/subscriber-added', { account, contact })
    if (before.from && !after.from) host.announce('roster/subscriber-removed', { account, contact })
  }
}
