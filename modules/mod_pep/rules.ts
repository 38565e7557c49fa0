/** XEP-0163 §2, §5: what is different about nodes that belong to an account. */
import type { OptionsOf } from '../../server/config/types.ts'
import { t } from '../../server/config/types.ts'
import type { ModuleHost } from '../../server/host/host.ts'
import type { Jid } from '../../server/jid/jid.ts'
import { isPending } from '../../server/util/maybe.ts'
import type { NodeChange, ServiceRules } from '../mod_pubsub/index.ts'
import type { Roster } from '../mod_roster/index.ts'
import type { Listeners } from './listeners.ts'

const MIB = 1024 * 1024

export const config = {
  max_nodes: t.integer({ min: 1 }).default(1000).describe('Nodes that an account may have.'),
  max_items: t.integer({ min: 1, max: 10_000 }).default(256).describe('Items that a node may be set to keep.'),
  max_size: t
    .size()
    .default(10 * MIB)
    .describe('Items of all nodes of an account together.'),
}

/** Stanzas are not longer than this anyway. */
const LONGEST_PAYLOAD = 262_144
const MOST_SUBSCRIBERS = 1000
/** Subscriptions and affiliations of all nodes. */
const MOST_LINKS = 5000

type PepHost = ModuleHost<'pubsub' | 'roster' | 'accounts' | 'caps'>

/** For one account. Its roster has to be at hand when there is something to decide. */
export function rulesOf(
  host: PepHost,
  options: OptionsOf<typeof config>,
  account: Jid,
  listeners: Listeners,
  changed: (change: NodeChange) => ReturnType<ServiceRules['changed']>,
): ServiceRules {
  const node = account.node ?? ''
  const isOwner = ({ bare }: Jid): boolean => bare === account.bare

  return {
    jid: account,
    owner: node,
    defaults: {
      ...host.service('pubsub').usualConfig,
      max_items: 1,
      access_model: 'presence',
      send_last_published_item: 'on_sub_and_presence',
    },
    defaultsOf: (id) => [...host.items('pep-defaults')].find((item) => item.node === id)?.config ?? {},
    limits: {
      nodes: options.max_nodes,
      items: options.max_items,
      chars: options.max_size,
      payloadChars: LONGEST_PAYLOAD,
      subscriptions: MOST_SUBSCRIBERS,
      links: MOST_LINKS,
    },
    accessModels: ['authorize', 'open', 'presence', 'roster', 'whitelist'],
    autoCreate: true,
    namesPublishers: false,
    clock: host.clock,
    random: host.random,
    isOwner,
    mayCreate: isOwner,
    seesPresence: (who) => isOwner(who) || roster()?.seesUs(who) === true,
    groupsOf: (who) => roster()?.items.get(who.bare)?.groups ?? [],
    showsOf(who) {
      // How those of other hosts show themselves is only known to whom they have told it.
      if (who.domain !== host.domain) return undefined
      const available = host.account(who.bare)?.available ?? []
      const clients = who.resource === undefined ? available : available.filter(({ jid }) => jid.full === who.full)
      return clients.map(({ presence }) => presence?.childText('show')?.trim() || 'online')
    },
    listeners: () => listeners.of(node),
    send(to, stanza) {
      const blocked = host.optionalService('blocklist')?.hasBlocked(account, to) ?? false
      if (blocked === false) void host.sendTo(to, stanza, account)
      // Known at once for accounts that have sessions.
      if (isPending(blocked))
        host.spawn('notify', async () => void ((await blocked) || host.sendTo(to, stanza, account)))
    },
    parseJid: (text) => host.parseJid(text),
    changed,
  }

  /** Undefined if it is not at hand: then nobody is a contact. */
  function roster(): Roster | undefined {
    const found = host.service('roster').of(node)
    return isPending(found) ? undefined : found
  }
}
