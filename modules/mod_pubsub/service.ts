/** XEP-0060: the nodes of one address, in memory and in storage. */
import type { Jid } from '../../server/jid/jid.ts'
import { pubsubError } from '../../server/protocol/pubsub-error.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import type { Clock } from '../../server/util/clock.ts'
import type { Maybe } from '../../server/util/maybe.ts'
import type { Random } from '../../server/util/random.ts'
import type { Stanza } from '../../server/xml/stanza.ts'
import type { MapStore } from '../../storage/store.ts'
import type { AccessModel, Affiliation, Relation } from './access.ts'
import { isExpired, type Item, type StoredItem, sumOfChars } from './item.ts'
import { isCurrent, Node, type StoredNode, type Subscription } from './node.ts'
import type { ConfigBounds, NodeConfig } from './node-config.ts'

export interface Limits {
  readonly nodes: number
  /** Of one node: what `max` stands for. */
  readonly items: number
  /** Of all items together, in characters. */
  readonly chars: number
  readonly payloadChars: number
  /** Of one node. */
  readonly subscriptions: number
  /** Subscriptions and affiliations of all nodes together. */
  readonly links: number
}

/** Somebody who wants the events of some nodes without having subscribed (§9.2). */
export interface Listener {
  readonly jid: Jid
  readonly interests: ReadonlySet<string>
}

/** Something that has happened to a node, for whoever follows it within the server. */
export interface NodeChange {
  readonly service: Service
  readonly node: string
  /** The items that were published, or the ids of those that were removed; neither if all are gone. */
  readonly published?: Item
  readonly retracted?: readonly string[]
  /** Who has done it, if a part of the server. */
  readonly cause: string | undefined
}

/** What differs between a service of its own and an account that is one (XEP-0163). */
export interface ServiceRules {
  readonly jid: Jid
  /** Whose data it is in storage. */
  readonly owner: string
  /** Of a node that is made without saying more. */
  readonly defaults: NodeConfig
  /** What is different for nodes that are known by name. */
  defaultsOf(id: string): Partial<NodeConfig>
  readonly limits: Limits
  readonly accessModels: readonly AccessModel[]
  /** Nodes are made when something is published to them (§7.1.4). */
  readonly autoCreate: boolean
  /** Items name their publishers whatever the node says. */
  readonly namesPublishers: boolean
  readonly clock: Clock
  readonly random: Random
  /** Owns every node. */
  isOwner(who: Jid): boolean
  mayCreate(who: Jid): boolean
  seesPresence(who: Jid): boolean
  groupsOf(who: Jid): readonly string[]
  /**
   * How the clients of somebody show themselves: as in RFC 6121 §4.7.2.1, or `online`. None if they are not there,
   * undefined if that is not known. Only where it is heard who comes and goes.
   */
  readonly showsOf?: (who: Jid) => readonly string[] | undefined
  listeners(): Iterable<Listener>
  /** `to` is the addressee of the stanza. */
  send(to: Jid, stanza: Stanza): void
  parseJid(text: string): Jid
  /** Told when the subscribers have been told, and before whoever has done it is. */
  changed(change: NodeChange): Maybe<void>
}

export const itemsStoreName = 'pubsub_items'

/** Nodes, their subscriptions, and where nodes have gone, under keys that begin with `n`, `s` and `g`. */
export type StoredRecord = StoredNode | Subscription | { readonly uri: string }

export interface PubsubStores {
  readonly records: MapStore<StoredRecord>
  /** By owner and key of the node. */
  readonly items: MapStore<StoredItem>
}

/** Bytes of the id of a node, and of an item. */
const LONGEST_ID = 1023

export class Service {
  readonly rules: ServiceRules
  readonly #stores: PubsubStores
  readonly #nodes = new Map<string, Node>()
  /** Where those who look for deleted nodes should go, by id. */
  readonly #gone = new Map<string, string>()
  #chars = 0
  #isStale = false

  private constructor(rules: ServiceRules, stores: PubsubStores) {
    this.rules = rules
    this.#stores = stores
  }

  static async load(rules: ServiceRules, stores: PubsubStores): Promise<Service> {
    const service = new Service(rules, stores)
    service.#read(await stores.records.all(rules.owner))
    return service
  }

  /** In the order in which they were created. */
  get nodes(): Iterable<Node> {
    return this.#nodes.values()
  }

  get bounds(): ConfigBounds {
    return { mostItems: this.rules.limits.items, seesPresence: this.rules.showsOf !== undefined }
  }

  get now(): number {
    return this.rules.clock.now()
  }

  /** Must not be used any more: a write was lost and storage alone knows what there is, or the account has gone. */
  get isStale(): boolean {
    return this.#isStale
  }

  /** Whether some subscription ends when somebody goes. */
  get hasTemporary(): boolean {
    for (const { config, subscriptions } of this.#nodes.values()) {
      if (subscriptions.size === 0) continue
      if (config.tempsub) return true
      for (const { options } of subscriptions.values()) if (options.expire === 'presence') return true
    }
    return false
  }

  find(id: string): Node | undefined {
    return this.#nodes.get(id)
  }

  /** The node that a request is about. Throws StanzaError. */
  require(id: string | undefined): Node {
    if (id === undefined || id === '') throw pubsubError('nodeid-required')
    const node = this.#nodes.get(id)
    if (node !== undefined) return node
    const uri = this.#gone.get(id)
    throw uri === undefined ? new StanzaError('item-not-found') : new StanzaError('gone', uri)
  }

  /** How somebody stands to a node. */
  relation(node: Node, who: Jid): Relation {
    return new Standing(this, node, who)
  }

  affiliationOf(node: Node, who: Jid): Affiliation {
    return this.rules.isOwner(who) ? 'owner' : (node.affiliations.get(who.bare) ?? 'none')
  }

  /** A node that there has not been. Throws StanzaError. */
  async create(id: string, creator: Jid, config: NodeConfig): Promise<Node> {
    if (this.#nodes.has(id)) throw new StanzaError('conflict')
    checkId(id)
    if (this.#nodes.size >= this.rules.limits.nodes) throw pubsubError('max-nodes-exceeded')
    const { clock, random, defaults } = this.rules
    const affiliations = [[creator.bare, 'owner'] as const]
    const stored = { key: random.id(), createdAt: clock.now(), creator: creator.bare, config, affiliations, chars: 0 }
    const node = new Node(id, stored, defaults)
    this.#nodes.set(id, node)
    const moved = this.#gone.delete(id)
    const records: [string, StoredRecord | undefined][] = [[nodeKey(id), node.stored]]
    if (moved) records.push([goneKey(id), undefined])
    await this.#write(this.#stores.records.setMany(this.rules.owner, records))
    return node
  }

  /** Deletes a node with all that belongs to it. Requests for it are told `uri`, if there is one. */
  async delete(node: Node, uri?: string): Promise<void> {
    const { owner, limits } = this.rules
    if (uri !== undefined && this.#gone.size >= limits.nodes) throw new StanzaError('resource-constraint')
    this.#nodes.delete(node.id)
    this.#chars -= node.chars
    if (uri !== undefined) this.#gone.set(node.id, uri)
    const subscriptions = [...node.subscriptions.keys()].map((jid) => [subscriptionKey(node, jid), undefined] as const)
    await this.#write(
      this.#stores.records.setMany(owner, [
        [nodeKey(node.id), undefined],
        ...subscriptions,
        [goneKey(node.id), uri === undefined ? undefined : { uri }],
      ]),
      this.#stores.items.clear(this.#itemsOwner(node)),
    )
  }

  /** Stores what has been changed about the node itself. */
  save(node: Node): Promise<void> {
    return this.#write(this.#stores.records.set(this.rules.owner, nodeKey(node.id), node.stored))
  }

  /** Replaces subscriptions; undefined ends one. */
  setSubscriptions(
    node: Node,
    changes: Iterable<readonly [jid: string, subscription: Subscription | undefined]>,
  ): Promise<void> {
    const records: [string, Subscription | undefined][] = []
    for (const [jid, subscription] of changes) {
      if (subscription === undefined) node.subscriptions.delete(jid)
      else node.subscriptions.set(jid, subscription)
      records.push([subscriptionKey(node, jid), subscription])
    }
    return this.#write(this.#stores.records.setMany(this.rules.owner, records))
  }

  /** Those that have not expired, in order of publication. */
  async items(node: Node): Promise<readonly Item[]> {
    const { persist_items: isPersistent, item_expire: expire } = node.config
    if (!isPersistent) return node.transient === undefined ? [] : [node.transient]
    const stored = await this.#stores.items.all(this.#itemsOwner(node))
    return [...stored]
      .map(([id, item]): Item => ({ ...item, id }))
      .filter((item) => !isExpired(item, expire, this.now))
      .toSorted((a, b) => a.seq - b.seq)
  }

  /** Whether that many characters more can be stored. */
  hasRoomFor(chars: number): boolean {
    return this.#chars + chars <= this.rules.limits.chars
  }

  /** Throws StanzaError if so many subscriptions or affiliations more are too many. */
  checkLinks(growth: number): void {
    let links = growth
    for (const { subscriptions, affiliations } of this.#nodes.values()) links += subscriptions.size + affiliations.size
    if (links > this.rules.limits.links) throw new StanzaError('resource-constraint')
  }

  /** Replaces items; undefined removes one. `growth` is how many characters that takes. */
  setItems(
    node: Node,
    changes: Iterable<readonly [id: string, item: StoredItem | undefined]>,
    growth: number,
  ): Promise<void> {
    node.chars += growth
    this.#chars += growth
    return this.#write(this.#stores.items.setMany(this.#itemsOwner(node), changes), this.save(node))
  }

  async removeItems(node: Node, items: readonly Item[]): Promise<void> {
    node.transient = undefined
    if (!node.config.persist_items) return
    const changes = items.map(({ id }) => [id, undefined] as const)
    await this.setItems(node, changes, -sumOfChars(items))
  }

  async removeExpired(node: Node): Promise<void> {
    const stored = await this.#stores.items.all(this.#itemsOwner(node))
    const items = [...stored].map(([id, item]): Item => ({ ...item, id }))
    const expired = items.filter((item) => isExpired(item, node.config.item_expire, this.now))
    if (expired.length > 0) await this.removeItems(node, expired)
  }

  async clearItems(node: Node): Promise<void> {
    this.#chars -= node.chars
    node.chars = 0
    node.transient = undefined
    await this.#write(this.#stores.items.clear(this.#itemsOwner(node)), this.save(node))
  }

  /** The account goes. What is stored under its own name goes with it; its items are elsewhere. */
  async retire(): Promise<void> {
    this.#isStale = true
    await Promise.all([...this.#nodes.values()].map((node) => this.#stores.items.clear(this.#itemsOwner(node))))
  }

  #read(records: ReadonlyMap<string, StoredRecord>): void {
    const byKey = new Map<string, Node>()
    const nodes: Node[] = []
    for (const [key, record] of records) {
      if (!('creator' in record)) continue
      const node = new Node(key.slice(2), record, this.rules.defaults)
      nodes.push(node)
      byKey.set(node.key, node)
      this.#chars += node.chars
    }
    for (const node of nodes.toSorted((a, b) => a.createdAt - b.createdAt)) this.#nodes.set(node.id, node)
    for (const [key, record] of records) {
      if ('uri' in record) this.#gone.set(key.slice(2), record.uri)
      if (!('state' in record)) continue
      const [, node = '', jid = ''] = /^s (\S+) (.*)$/s.exec(key) ?? []
      byKey.get(node)?.subscriptions.set(jid, record)
    }
  }

  #itemsOwner({ key }: Node): string {
    return `${this.rules.owner}/${key}`
  }

  async #write(...writes: readonly Promise<void>[]): Promise<void> {
    try {
      await Promise.all(writes)
    } catch (error) {
      this.#isStale = true
      throw error
    }
  }
}

/** Found out as it is asked for: few models ask for all of it. */
class Standing implements Relation {
  readonly affiliation: Affiliation
  readonly #service: Service
  readonly #node: Node
  readonly #who: Jid

  constructor(service: Service, node: Node, who: Jid) {
    this.affiliation = service.affiliationOf(node, who)
    this.#service = service
    this.#node = node
    this.#who = who
  }

  get isSubscribed(): boolean {
    const { now } = this.#service
    return this.#node.subscriptionsOf(this.#who).some(([, subscription]) => isCurrent(subscription, now))
  }

  get seesPresence(): boolean {
    return this.#service.rules.seesPresence(this.#who)
  }

  get isInGroup(): boolean {
    const allowed = this.#node.config.roster_groups_allowed
    return this.#service.rules.groupsOf(this.#who).some((group) => allowed.includes(group))
  }
}

/** Throws StanzaError if an id of a node or item is too long to be stored. */
export function checkId(id: string): void {
  if (id.length > LONGEST_ID || Buffer.byteLength(id) > LONGEST_ID) {
    throw new StanzaError('not-acceptable', `An id has at most ${LONGEST_ID} bytes`)
  }
}

const nodeKey = (id: string): string => `n ${id}`
const goneKey = (id: string): string => `g ${id}`
const subscriptionKey = ({ key }: Node, jid: string): string => `s ${key} ${jid}`
