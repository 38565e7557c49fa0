/** A service of nodes by itself: its own storage, a clock that is set by hand, and whatever it sends in a list. */
import { publish, purge, retract } from '../../../modules/mod_pubsub/publishing.ts'
import { type NodeConfig, usualConfig } from '../../../modules/mod_pubsub/node-config.ts'
import {
  itemsStoreName,
  type Listener,
  type NodeChange,
  type PubsubStores,
  Service,
  type ServiceRules,
  type StoredRecord,
} from '../../../modules/mod_pubsub/service.ts'
import type { StoredItem } from '../../../modules/mod_pubsub/item.ts'
import { Jid } from '../../../server/jid/jid.ts'
import { SystemRandom } from '../../../server/util/random.ts'
import { xml } from '../../../server/xml/element.ts'
import type { Stanza } from '../../../server/xml/stanza.ts'
import { Storage } from '../../../storage/storage.ts'
import { map } from '../../../storage/store.ts'
import { FakeClock } from '../../support/fake-clock.ts'

export const juliet = Jid.parse('juliet@capulet.example/balcony')
export const romeo = Jid.parse('romeo@montague.example/orchard')
export const nurse = Jid.parse('nurse@capulet.example/kitchen')

export class PubsubWorld {
  readonly clock = new FakeClock(Date.parse('2026-01-01T00:00:00Z'))
  /** What was sent, with whom it went to. */
  readonly sent: Stanza[] = []
  readonly changes: NodeChange[] = []
  /** Who listens without having subscribed. */
  listeners: readonly Listener[] = []
  /** Who sees the presence of Juliet. */
  contacts: readonly Jid[] = []
  readonly stores: PubsubStores
  readonly rules: ServiceRules
  service: Service

  /** Juliet's nodes. */
  static async open(rules: Partial<ServiceRules> = {}): Promise<PubsubWorld> {
    const clock = new FakeClock(Date.parse('2026-01-01T00:00:00Z'))
    const storage = await Storage.start({ driver: 'memory' }, { clock })
    const stores = await storage.open('capulet.example', {
      records: map<StoredRecord>('pubsub'),
      items: map<StoredItem>(itemsStoreName),
    })
    const world = new PubsubWorld(clock, stores, rules)
    await world.reload()
    return world
  }

  private constructor(clock: FakeClock, stores: PubsubStores, rules: Partial<ServiceRules>) {
    this.clock = clock
    this.stores = stores
    this.rules = {
      jid: juliet.toBare(),
      owner: 'juliet',
      defaults: {
        ...usualConfig,
        max_items: 3,
        access_model: 'presence',
        send_last_published_item: 'on_sub_and_presence',
      },
      defaultsOf: () => ({}),
      limits: { nodes: 5, items: 5, chars: 1000, payloadChars: 500, subscriptions: 4, links: 100 },
      accessModels: ['authorize', 'open', 'presence', 'roster', 'whitelist'],
      autoCreate: true,
      namesPublishers: false,
      clock,
      random: new SystemRandom(),
      isOwner: (who) => who.bare === juliet.bare,
      mayCreate: (who) => who.bare === juliet.bare,
      seesPresence: (who) => this.contacts.some(({ bare }) => bare === who.bare),
      groupsOf: () => [],
      listeners: () => this.listeners,
      send: (_, stanza) => void this.sent.push(stanza),
      parseJid: (text) => Jid.parse(text),
      changed: (change) => void this.changes.push(change),
      ...rules,
    }
    // Set by `open` before anybody sees it.
    this.service = undefined as unknown as Service
  }

  /** As after a restart. */
  async reload(): Promise<void> {
    this.service = await Service.load(this.rules, this.stores)
  }

  async publish(
    node: string,
    id: string | undefined,
    who = juliet,
    required: Partial<NodeConfig> = {},
    text = '',
  ): Promise<void> {
    const payload = { name: 'a', ns: 'urn:example:a', xml: xml('a', { xmlns: 'urn:example:a' }, text).toString() }
    await publish(this.service, node, who, { item: { id, payload }, required })
  }

  async retract(node: string, ids: readonly string[], who = juliet): Promise<void> {
    await retract(this.service, this.service.require(node), who, { ids, notice: true })
  }

  purge(node: string): Promise<void> {
    return purge(this.service, this.service.require(node))
  }

  /** The ids of the items of a node, in order. */
  async ids(node: string): Promise<readonly string[]> {
    return (await this.service.items(this.service.require(node))).map(({ id }) => id)
  }

  /** What was sent since this was last asked, in short: `to: items 1`. */
  news(): readonly string[] {
    return this.sent.splice(0).map((stanza) => {
      const [what] = stanza.childAt(0)?.elements ?? []
      const items = what?.elements.map(({ name, attrs }) => `${name === 'item' ? '' : `${name} `}${attrs['id'] ?? ''}`)
      return `${stanza.to}: ${[what?.name, what?.attrs['subscription'], ...(items ?? [])].filter(Boolean).join(' ')}`
    })
  }
}
