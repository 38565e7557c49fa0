/** XEP-0060 §5: what a service can do, which nodes it has, and what they are. */
import type { Jid } from '../../server/jid/jid.ts'
import { defineForm, renderResult } from '../../server/protocol/data-form.ts'
import { formatDateTime } from '../../server/protocol/date-time.ts'
import type { DiscoInfo } from '../../server/protocol/disco-info.ts'
import type { DiscoItem } from '../../server/protocol/disco-items.ts'
import type { Element } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'
import { denialOf, denials } from './access.ts'
import { requireReader } from './events.ts'
import { isCurrent, type Node } from './node.ts'
import { NS_PUBLIC } from './public-subscribers.ts'
import { NS_ORDER } from './retrieving.ts'
import type { Service } from './service.ts'
import { NS_TYPE_FILTER, typeFilterIn } from './type-filter.ts'

/** What every service can do (§10), whatever else. */
export const commonFeatures: readonly string[] = [
  NS.pubsub,
  ...[
    'config-node',
    'config-node-max',
    'create-and-configure',
    'create-nodes',
    'delete-items',
    'delete-nodes',
    'get-pending',
    'instant-nodes',
    'item-ids',
    'leased-subscription',
    'manage-subscriptions',
    'member-affiliation',
    'meta-data',
    'modify-affiliations',
    'multi-items',
    'outcast-affiliation',
    'persistent-items',
    'publish',
    'publish-node-full',
    'publish-only-affiliation',
    'publish-options',
    'publisher-affiliation',
    'purge-nodes',
    'retract-items',
    'retrieve-affiliations',
    'retrieve-default',
    'retrieve-default-sub',
    'retrieve-items',
    'retrieve-subscriptions',
    'rsm',
    'subscribe',
    'subscription-notifications',
    'subscription-options',
  ].map((name) => `${NS.pubsub}#${name}`),
  NS_ORDER,
  NS_PUBLIC,
  NS_TYPE_FILTER,
]

/** Nodes that somebody may know of, of those that they ask for. Throws StanzaError. */
export function nodeItems(service: Service, who: Jid, query: Element): readonly DiscoItem[] {
  const isWanted = typeFilterIn(query)
  return [...service.nodes]
    .filter((node) => isWanted(node) && isVisible(service, node, who))
    .map(({ id, config }) => ({
      jid: service.rules.jid.full,
      node: id,
      name: config.title === '' ? undefined : config.title,
    }))
}

/** What a node is; undefined if there is none of that name. Throws StanzaError if that is not for everybody (§5.3, §5.4). */
export function nodeInfo(service: Service, id: string, who: Jid): DiscoInfo | undefined {
  const node = service.find(id)
  if (node === undefined) return undefined
  requireVisible(service, node, who)
  return {
    identities: [{ category: 'pubsub', type: 'leaf', name: node.config.title === '' ? undefined : node.config.title }],
    features: [NS.pubsub],
    forms: [renderResult(metaData, valuesOf(service, node))],
  }
}

/** The items of a node (§5.5); undefined if there is none of that name. Throws StanzaError. */
export async function itemsOfNode(service: Service, id: string, who: Jid): Promise<readonly DiscoItem[] | undefined> {
  const node = service.find(id)
  if (node === undefined) return undefined
  requireReader(service, node, who)
  return (await service.items(node)).map((item) => ({ jid: service.rules.jid.full, name: item.id }))
}

/** Who may ask for approval must be able to find what for. */
function isVisible(service: Service, node: Node, who: Jid): boolean {
  const denial = denialOf(node.config.access_model, service.relation(node, who))
  return denial === undefined || denial === 'needs-approval'
}

function requireVisible(service: Service, node: Node, who: Jid): void {
  const denial = denialOf(node.config.access_model, service.relation(node, who))
  if (denial !== undefined && denial !== 'needs-approval') throw denials[denial]()
}

const metaData = defineForm({
  type: 'http://jabber.org/protocol/pubsub#meta-data',
  fields: [
    { type: 'text-single', var: 'pubsub#title' },
    { type: 'text-single', var: 'pubsub#description' },
    { type: 'text-single', var: 'pubsub#type' },
    { type: 'text-single', var: 'pubsub#access_model' },
    { type: 'text-single', var: 'pubsub#publish_model' },
    { type: 'text-single', var: 'pubsub#max_items' },
    { type: 'text-single', var: 'pubsub#language' },
    { type: 'jid-multi', var: 'pubsub#contact' },
    { type: 'text-single', var: 'pubsub#creation_date' },
    { type: 'jid-single', var: 'pubsub#creator' },
    { type: 'jid-multi', var: 'pubsub#owner' },
    { type: 'jid-multi', var: 'pubsub#publisher' },
    { type: 'text-single', var: 'pubsub#num_subscribers' },
  ],
})

function valuesOf({ rules, now }: Service, node: Node) {
  const { title, description, type, language, contact, access_model, publish_model, max_items } = node.config
  const ofKind = (kind: string): readonly Jid[] =>
    [...node.affiliations].filter(([, affiliation]) => affiliation === kind).map(([bare]) => rules.parseJid(bare))
  const subscribers = [...node.subscriptions.values()].filter((subscription) => isCurrent(subscription, now))
  return {
    ...(title !== '' && { 'pubsub#title': title }),
    ...(description !== '' && { 'pubsub#description': description }),
    ...(type !== '' && { 'pubsub#type': type }),
    ...(language !== '' && { 'pubsub#language': language }),
    'pubsub#contact': contact.map((jid) => rules.parseJid(jid)),
    'pubsub#access_model': access_model,
    'pubsub#publish_model': publish_model,
    'pubsub#max_items': String(max_items),
    'pubsub#creation_date': formatDateTime(new Date(node.createdAt)),
    'pubsub#creator': rules.parseJid(node.creator),
    'pubsub#owner': ofKind('owner'),
    'pubsub#publisher': ofKind('publisher'),
    'pubsub#num_subscribers': String(subscribers.length),
  }
}
