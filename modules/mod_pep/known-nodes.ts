/** Nodes that are of no use, or not safe, unless they are configured as their specifications have it. */
import type { ModuleHost } from '../../server/host/host.ts'
import type { NodeConfig } from '../mod_pubsub/index.ts'
import { NS_DISPLAYED } from './displayed.ts'

const STORIES = 'urn:xmpp:pubsub-social-feed:stories:0'
const MICROBLOG = 'urn:xmpp:microblog:0'
const DAY_SECONDS = 86_400

/** XEP-0472 §5.1.1: a feed is read when there is time for it. */
const FEED = { max_items: 'max', send_last_published_item: 'never', deliver_payloads: false } as const

const knownNodes: Readonly<Record<string, Partial<NodeConfig>>> = {
  // XEP-0490 §7: what one has read is nobody else's business.
  [NS_DISPLAYED]: { access_model: 'whitelist', max_items: 'max', send_last_published_item: 'never' },
  // XEP-0384 §5.3.1, §5.3.2: also for those who are not contacts yet.
  'urn:xmpp:omemo:2:devices': { access_model: 'open' },
  'urn:xmpp:omemo:2:bundles': { access_model: 'open', max_items: 'max' },
  [MICROBLOG]: { ...FEED, type: MICROBLOG },
  // XEP-0501 §4.1.1.
  [STORIES]: { ...FEED, type: STORIES, access_model: 'presence', item_expire: DAY_SECONDS },
}

/** For clients that leave it to us; whoever knows better says so. */
export function provideKnownNodes(host: ModuleHost<'pubsub' | 'roster' | 'accounts' | 'caps'>): void {
  for (const [node, config] of Object.entries(knownNodes)) host.provide('pep-defaults', { node, config })
}
