/** XEP-0060 §9, XEP-0163 §4.3.3: who is there decides who hears of the nodes of an account, and what they want to hear. */
import type { ModuleHost } from '../../server/host/host.ts'
import type { Jid } from '../../server/jid/jid.ts'
import { NS_ECAPS2 } from '../../server/protocol/ecaps2.ts'
import type { StanzaEvent } from '../../server/routed-stanza.ts'
import type { ClientSession } from '../../server/session/client-session.ts'
import { isPending, type Maybe } from '../../server/util/maybe.ts'
import { NS } from '../../server/xml/ns.ts'
import type { Stanza } from '../../server/xml/stanza.ts'
import type { Roster } from '../mod_roster/index.ts'
import type { Listeners } from './listeners.ts'
import type { AccountNodes } from './account-nodes.ts'

type PepHost = ModuleHost<'pubsub' | 'roster' | 'accounts' | 'caps'>

const NOTHING: ReadonlySet<string> = new Set()

/** Announcements about which somebody has to be asked, of all accounts. */
const MOST_PENDING = 10_000

export function setupPresence(host: PepHost, services: AccountNodes, listeners: Listeners): void {
  const caps = host.service('caps')
  const pubsub = host.service('pubsub')
  /** The presence in question, by account and client: a later one makes it void. */
  const pending = new Map<string, Stanza>()

  host.on('incoming/presence', (event) => void (event.to.node !== undefined && hear(event, event.to.node)), 'copy')
  host.on('presence/broadcast', ({ session }) => hearOwn(session))
  host.on('caps/learned', ({ session }) => hearOwn(session))
  host.on('caps/answered', ({ presence, sender, asking, capabilities }) =>
    found(presence, sender, asking.node ?? '', capabilities?.interests ?? NOTHING),
  )
  host.on('presence/unavailable', ({ session: { jid, account } }) => {
    const node = jid.node ?? ''
    listeners.remove(node, jid)
    part(node, jid)
    const service = account.available.length > 0 ? undefined : services.at(node)
    if (service === undefined || ![...service.nodes].some(({ config }) => config.purge_offline)) return
    host.spawn('purge while away', () => services.use(node, (used) => pubsub.purgeOffline(used)))
  })

  // Who may see more from now on sees what there is; who may see less is no subscriber any more (XEP-0060 §12.2, §12.14).
  host.on('roster/subscriber-added', ({ account, contact }) => {
    const node = account.node ?? ''
    const clients = [...listeners.of(node)].filter(({ jid }) => jid.bare === contact.bare)
    for (const { jid, interests } of clients) show(node, jid, interests)
  })
  host.on('roster/subscriber-removed', ({ account }) => {
    host.spawn('review subscribers', () => review(account.node ?? ''))
  })
  host.on('roster/regrouped', ({ account, contact, before }) => {
    host.spawn('review groups', () => regroup(account.node ?? '', contact, before))
  })

  /** Presence of somebody else. There is a lot of it, and nearly always there is nothing to do. */
  function hear({ stanza, from, to }: StanzaEvent, node: string): void {
    if (from.bare === to.bare) return
    if (stanza.type !== undefined) {
      if (stanza.type === 'unavailable') forget(node, from)
      return
    }
    const announced = stanza.has('c', NS.caps) || stanza.has('c', NS_ECAPS2) ? caps.announcedIn(stanza) : undefined
    const before = listeners.get(node, from)?.interests ?? NOTHING
    if (announced !== 'unknown') {
      const { interests } = announced ?? { interests: NOTHING }
      if (interests === before || (interests.size === 0 && before.size === 0)) return
    }
    const mayListen = isContact(node, from)
    if (mayListen === false) {
      listeners.remove(node, from)
      return
    }
    if (announced === 'unknown' || isPending(mayListen)) {
      find(stanza, from, to.toBare(), mayListen)
      return
    }
    show(node, from, listeners.set(node, from, announced?.interests ?? NOTHING))
  }

  /** The same when something about it is not at hand. */
  function find(presence: Stanza, from: Jid, account: Jid, mayListen: Maybe<boolean>): void {
    const node = account.node ?? ''
    const key = keyOf(node, from)
    if (pending.size >= MOST_PENDING && !pending.has(key)) return
    pending.set(key, presence)
    host.spawn('ask a contact', async () => {
      if (await mayListen) caps.ask(presence, from, account)
      else pending.delete(key)
    })
  }

  function found(presence: Stanza, from: Jid, node: string, interests: ReadonlySet<string>): void {
    const key = keyOf(node, from)
    if (pending.get(key) !== presence) return
    pending.delete(key)
    show(node, from, listeners.set(node, from, interests))
  }

  function forget(node: string, from: Jid): void {
    listeners.remove(node, from)
    if (pending.size > 0) pending.delete(keyOf(node, from))
    part(node, from)
  }

  /** What somebody has subscribed to while they are there ends, at accounts that are in use. */
  function part(node: string, who: Jid): void {
    const service = services.at(node)
    if (service?.hasTemporary === true) {
      host.spawn('end subscriptions', () => services.use(node, (used) => pubsub.endTemporary(used, who)))
    }
  }

  /** Presence of a client of the account itself. */
  function hearOwn(session: ClientSession): void {
    if (session.presence === undefined) return
    const { interests } = caps.of(session) ?? { interests: NOTHING }
    const node = session.jid.node ?? ''
    if (listeners.get(node, session.jid)?.interests === interests) return
    show(node, session.jid, listeners.set(node, session.jid, interests))
  }

  function isContact(node: string, from: Jid): Maybe<boolean> {
    const known = ({ items }: Roster): boolean => items.has(from.bare)
    const roster = host.service('roster').of(node)
    return isPending(roster) ? roster.then(known) : known(roster)
  }

  /** The last items of the nodes that somebody has become interested in. */
  function show(node: string, jid: Jid, interests: ReadonlySet<string>): void {
    if (interests.size === 0) return
    host.spawn('show last items', () =>
      services.use(node, (service) => pubsub.sendLastItems(service, { jid, interests })),
    )
  }

  async function review(node: string): Promise<void> {
    await services.use(node, async (service) => {
      for (const each of service.nodes) await pubsub.reviewSubscribers(service, each)
    })
  }

  /** The same where groups decide; who has come into one that a node is for sees its last item (XEP-0060 §12.2). */
  async function regroup(account: string, contact: Jid, before: readonly string[]): Promise<void> {
    await services.use(account, async (service) => {
      const nodes = [...service.nodes].filter(({ config }) => config.access_model === 'roster')
      for (const node of nodes) await pubsub.reviewSubscribers(service, node)
      const opened = nodes.filter(({ config }) => !config.roster_groups_allowed.some((group) => before.includes(group)))
      for (const listener of listeners.of(account)) {
        if (listener.jid.bare === contact.bare) await pubsub.sendLastItems(service, listener, opened)
      }
    })
  }
}

function keyOf(node: string, { full }: Jid): string {
  return `${node} ${full}`
}
