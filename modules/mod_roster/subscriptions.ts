/** RFC 6121 §3: subscription stanzas, on their way out and on their way in. */
import type { ModuleHost } from '../../server/host/host.ts'
import type { Jid } from '../../server/jid/jid.ts'
import { handled, type Handled, type StanzaEvent } from '../../server/routed-stanza.ts'
import type { ClientSession } from '../../server/session/client-session.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import { isPending, type Maybe } from '../../server/util/maybe.ts'
import { presence } from '../../server/xml/build.ts'
import { xml } from '../../server/xml/element.ts'
import { written } from '../../server/xml/raw-element.ts'
import { Stanza } from '../../server/xml/stanza.ts'
import { SHARED, tell } from './contacts.ts'
import type { Rosters } from './index.ts'
import type { Roster } from './roster.ts'
import type { Standing } from './standing.ts'
import { isSubscriptionType, type SubscriptionState, type SubscriptionType, subscriptionAfter } from './subscription.ts'

const PRE_APPROVAL_FEATURE = written(xml('sub', { xmlns: 'urn:xmpp:features:pre-approval' }))

/** Bytes of a request that are kept until it is answered. */
const LONGEST_REQUEST = 65_536

export function setupSubscriptions(
  host: ModuleHost<'accounts'>,
  rosters: Pick<Rosters, 'of' | 'sendToInterested'>,
  { change, announce }: Standing,
  maxRequests: number,
): void {
  host.streamFeature({
    needs: ['authenticated'],
    forbids: ['bound'],
    // RFC 6121 §3.4: approval before the contact has asked.
    offer: () => PRE_APPROVAL_FEATURE,
  })

  host.on('outgoing/presence', (event) => {
    const { type } = event.stanza
    if (!isSubscriptionType(type)) return undefined
    if (event.stanza.to === undefined) throw new StanzaError('bad-request', 'To whom?')
    return withRoster(event.from.node, (roster) => send(event, type, roster))
  })

  host.on('incoming/presence', (event) => {
    const { type } = event.stanza
    if (!isSubscriptionType(type) || event.to.node === undefined) return undefined
    return receive(event, type, event.to.node)
  })

  // A request is shown again at each login until it is answered (RFC 6121 §3.1.3, rule 4).
  host.on('presence/initial', ({ session }) => {
    void withRoster(session.jid.node, (roster) => {
      for (const [bare, request] of roster.requests) {
        if (roster.sharedGroups(host.parseJid(bare)) === undefined) session.send(Stanza.parse(request))
      }
      return handled
    })
  })

  function withRoster(node: string | undefined, run: (roster: Roster) => Maybe<Handled>): Maybe<Handled> {
    const roster = rosters.of(node ?? '')
    return isPending(roster) ? roster.then(run) : run(roster)
  }

  /** RFC 6121 §3.1.2, §3.1.5, §3.2.2, §3.3.2: what a client sends, on behalf of its account and to the contact's. */
  async function send(event: StanzaEvent<ClientSession>, type: SubscriptionType, roster: Roster): Promise<Handled> {
    const contact = event.to.toBare()
    const account = event.from.toBare()
    if (contact.bare === account.bare) throw new StanzaError('not-allowed', 'Nobody subscribes to themselves')
    if (roster.sharedGroups(contact) !== undefined) return sendToShared(roster, contact, type)
    const before = roster.stateOf(contact)
    const { state: after, passes } = subscriptionAfter(before, 'outgoing', type)
    // The push comes first, since the contact's server may answer at once (RFC 6121 §3.4).
    await change(roster, contact, after, { approved: approvalAfter(type, before) })
    if (passes) await host.sendTo(contact, event.stanza.with({ from: account.full, to: contact.full }), account)
    announce(account, contact, before, after)
    return handled
  }

  /** Members of a group get each other's presence for as long as they are members: nothing is asked or ended. */
  async function sendToShared(roster: Roster, contact: Jid, type: SubscriptionType): Promise<Handled> {
    if (type === 'unsubscribe' || type === 'unsubscribed') throw new StanzaError('not-allowed', SHARED)
    // It may have asked before it came into the group.
    if (roster.requests.has(contact.bare)) await roster.setRequest(contact, undefined)
    return handled
  }

  /** RFC 6121 §3.1.3, §3.1.6, §3.2.3, §3.3.3: what a contact sends. */
  async function receive(event: StanzaEvent, type: SubscriptionType, node: string): Promise<Handled> {
    const contact = event.from.toBare()
    const account = event.to.toBare()
    if (!(await host.service('accounts').exists(node))) return refuseFor(account, contact, type)
    const roster = await rosters.of(node)
    // Whoever shares a group sees the account all the time, and cannot stop that.
    if (roster.sharedGroups(contact) !== undefined) {
      if (type === 'subscribe') await tell(host, account, contact, ['subscribed'])
      return handled
    }
    const before = roster.stateOf(contact)
    if (type === 'subscribe' && (before.from || roster.items.get(contact.bare)?.approved === true)) {
      return approve(roster, account, contact, before)
    }
    const { state: after, passes } = subscriptionAfter(before, 'incoming', type)
    if (!passes) return handled
    const stanza = event.stanza.with({ from: contact.full, to: account.full })
    if (after.asked && !before.asked) checkRequest(roster, stanza)
    const show = (): void => {
      if (type !== 'subscribe') return rosters.sendToInterested(roster, () => stanza)
      for (const session of host.account(account.bare)?.available ?? []) session.send(stanza)
    }
    await change(roster, contact, after, { request: stanza.toString(), show })
    announce(account, contact, before, after)
    return handled
  }

  /** A request that was granted before it came is answered by the server, and nobody is asked (RFC 6121 §3.1.3, §3.4). */
  async function approve(roster: Roster, account: Jid, contact: Jid, before: SubscriptionState): Promise<Handled> {
    await change(roster, contact, { ...before, from: true, asked: false })
    await host.sendTo(contact, presence({ type: 'subscribed', from: account.full, to: contact.full }), account)
    // Also if it saw us all the time: it would not ask if it knew.
    host.announce('roster/subscriber-added', { account, contact })
    return handled
  }

  /** There is no such account: whoever asks to see its presence is told so; nothing else needs an answer (RFC 6121 §8.5.1). */
  async function refuseFor(account: Jid, contact: Jid, type: SubscriptionType): Promise<Handled> {
    if (type === 'subscribe') {
      await host.sendTo(contact, presence({ type: 'unsubscribed', from: account.full, to: contact.full }), account)
    }
    return handled
  }

  function checkRequest(roster: Roster, stanza: Stanza): void {
    if (roster.requests.size >= maxRequests || stanza.toString().length > LONGEST_REQUEST) {
      throw new StanzaError('resource-constraint')
    }
  }
}

/** Whether the contact is approved before it asks, if the stanza says something about that (RFC 6121 §3.4.2). */
function approvalAfter(type: SubscriptionType, { from, asked }: SubscriptionState): boolean | undefined {
  if (type === 'subscribed') return from || asked ? undefined : true
  return type === 'unsubscribed' ? false : undefined
}
