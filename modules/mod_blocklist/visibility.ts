/** XEP-0191 §3.3, §3.4: whoever is blocked sees the account go, and whoever no longer is sees it come back. */
import type { Notice } from '../../server/host/hooks.ts'
import type { ModuleHost } from '../../server/host/host.ts'
import type { Jid } from '../../server/jid/jid.ts'
import type { Account } from '../../server/session/account.ts'
import { presence } from '../../server/xml/build.ts'
import { type Blocklist, isBlocked, listOf } from './blocklist.ts'

declare module '../../server/host/events.ts' {
  interface HostHooks {
    /** An account will be hidden from some who are no contacts: whoever has shown it to them can still say goodbye. */
    'blocklist/hiding': Notice<{ readonly account: Account; readonly isHiddenFrom: (to: Jid) => boolean }>
  }
}

export interface Visibility {
  /** Before these are blocked. */
  hide(account: Account, blocked: readonly Jid[]): Promise<void>
  /** After these were unblocked; `still` is what is left of the list. */
  show(account: Account, unblocked: readonly Jid[], still: Blocklist): Promise<void>
}

export function setupVisibility(host: ModuleHost<'roster'>): Visibility {
  return { hide, show }

  async function hide(account: Account, blocked: readonly Jid[]): Promise<void> {
    const roster = await host.service('roster').of(account.jid.node ?? '')
    const list = listOf(blocked)
    for (const to of [...blocked.filter(isOneResource), ...concerned(roster.subscribers, list)]) {
      if (roster.seesUs(to)) tell(account, 'unavailable', to)
    }
    host.announce('blocklist/hiding', { account, isHiddenFrom: (to) => isBlocked(list, to) && !roster.seesUs(to) })
    // A request that waits for an answer would be shown again at each login.
    for (const contact of concerned(roster.requests.keys(), list)) await roster.setRequest(contact, undefined)
  }

  async function show(account: Account, unblocked: readonly Jid[], still: Blocklist): Promise<void> {
    const roster = await host.service('roster').of(account.jid.node ?? '')
    const list = listOf(unblocked)
    for (const to of concerned(roster.subscribers, list)) {
      if (!isBlocked(still, to)) tell(account, undefined, to)
    }
    for (const to of concerned(roster.items.keys(), list)) {
      if (!isBlocked(still, to) && roster.weSee(to)) tell(account, 'probe', to)
    }
  }

  function concerned(addresses: Iterable<string>, list: Blocklist): readonly Jid[] {
    return Array.from(addresses, (address) => host.parseJid(address)).filter((jid) => isBlocked(list, jid))
  }

  /** What each available client of the account would say: without a type, its presence. */
  function tell(account: Account, type: 'unavailable' | 'probe' | undefined, to: Jid): void {
    for (const session of account.available) {
      const said = type === undefined ? session.presence : presence({ type, from: session.jid.full })
      if (said !== undefined) void host.sendTo(to, said.with({ to: to.full }), session.jid)
    }
  }
}

function isOneResource({ resource }: Jid): boolean {
  return resource !== undefined
}
