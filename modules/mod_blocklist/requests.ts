/** XEP-0191 §3: reading and changing what an account has blocked. */
import type { IqRequest, ModuleHost } from '../../server/host/host.ts'
import { type Jid, JidError } from '../../server/jid/jid.ts'
import type { Account } from '../../server/session/account.ts'
import type { ClientSession } from '../../server/session/client-session.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import { iq } from '../../server/xml/build.ts'
import { type Element, xml } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'
import { KEY_BYTES } from '../../storage/limits.ts'
import { inOrder, listOf } from './blocklist.ts'
import type { Blocklists } from './lists.ts'
import type { Reports } from './reports.ts'
import { setupVisibility } from './visibility.ts'

/** An `<item/>`, and whom it names. */
interface Item {
  readonly jid: Jid
  readonly element: Element
}

export function setupRequests(host: ModuleHost<'roster'>, lists: Blocklists, reports: Reports, maxItems: number): void {
  /** Clients that have asked for the list want to hear of changes (§3.3). */
  const interested = host.lastingSlot('interested', () => ({ yes: false }))
  const visibility = setupVisibility(host)

  host.iq({ type: 'get', ns: NS.blocking, name: 'blocklist', at: 'self' }, async ({ origin }) => {
    interested(origin).yes = true
    return listElement('blocklist', inOrder(await lists.ofAccount(origin.account)))
  })

  host.iq({ type: 'set', ns: NS.blocking, name: 'block', at: 'self' }, async (request) => {
    const items = readItems(request)
    if (items.length === 0) throw new StanzaError('bad-request', 'Whom?')
    await block(request.origin.account, items)
    for (const item of items) reports.read(request.from, item.jid, item.element)
    request.afterAnswer(() => push(request.origin.account, 'block', items))
  })

  host.iq({ type: 'set', ns: NS.blocking, name: 'unblock', at: 'self' }, async (request) => {
    const items = readItems(request)
    await unblock(request.origin.account, items)
    request.afterAnswer(() => push(request.origin.account, 'unblock', items))
  })

  async function block(account: Account, items: readonly Item[]): Promise<void> {
    const list = await lists.ofAccount(account)
    const added = items.map(({ jid }) => jid).filter(({ full }) => !list.has(full))
    if (list.size + added.length > maxItems)
      throw new StanzaError('resource-constraint', 'Too many are blocked already')
    if (added.length === 0) return
    const blocked = listOf(added, host.clock.now())
    await lists.store(account, blocked)
    await visibility.hide(account, added)
    lists.apply(account, blocked)
  }

  /** Without items: everybody (§3.5). */
  async function unblock(account: Account, items: readonly Item[]): Promise<void> {
    const list = await lists.ofAccount(account)
    const named = items.length === 0 ? [...list.keys()] : items.map(({ jid }) => jid.full)
    const removed = named.filter((jid) => list.has(jid))
    if (removed.length === 0) return
    const unblocked = new Map(removed.map((jid) => [jid, undefined]))
    await lists.store(account, unblocked)
    lists.apply(account, unblocked)
    const jids = removed.map((jid) => host.parseJid(jid))
    await visibility.show(account, jids, await lists.ofAccount(account))
  }

  function readItems({ payload }: IqRequest<ClientSession>): readonly Item[] {
    const elements = payload.elements.filter(({ name, ns }) => name === 'item' && ns === NS.blocking)
    const items = elements.map((element): Item => ({ jid: readJid(element), element }))
    // The same address twice counts once.
    return [...new Map(items.map((item) => [item.jid.full, item])).values()]
  }

  function readJid({ attrs }: Element): Jid {
    if (attrs['jid'] === undefined) throw new StanzaError('bad-request', 'An item needs a JID')
    const jid = parseJid(attrs['jid'])
    if (Buffer.byteLength(jid.full) > KEY_BYTES) throw new StanzaError('not-acceptable', 'That JID is too long')
    return jid
  }

  function parseJid(text: string): Jid {
    try {
      return host.parseJid(text)
    } catch (error) {
      if (error instanceof JidError) throw new StanzaError('jid-malformed', undefined, { cause: error })
      throw error
    }
  }

  function push(account: Account, name: 'block' | 'unblock', items: readonly Item[]): void {
    const change = listElement(
      name,
      items.map(({ jid }) => jid.full),
    )
    for (const session of account.sessions) {
      if (interested(session).yes) session.send(iq({ type: 'set', to: session.jid.full, id: host.random.id() }, change))
    }
  }
}

function listElement(name: string, jids: readonly string[]): Element {
  return xml(name, { xmlns: NS.blocking }, ...jids.map((jid) => xml('item', { jid })))
}
