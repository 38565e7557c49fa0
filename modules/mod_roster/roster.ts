/** The contacts of one account, in memory and in storage (RFC 6121 §2). */
import type { Jid } from '../../server/jid/jid.ts'
import { type Element, xml } from '../../server/xml/element.ts'
import type { MapStore } from '../../storage/store.ts'
import { type SubscriptionState, unrelated } from './subscription.ts'

export type Subscription = 'none' | 'to' | 'from' | 'both'

/** A contact as it is stored and shown to the account's clients. */
export interface RosterItem {
  readonly subscription: Subscription
  readonly ask: boolean
  /** Approved before it has asked (RFC 6121 §3.4). */
  readonly approved: boolean
  readonly name: string | undefined
  readonly groups: readonly string[]
}

export const newItem: RosterItem = { subscription: 'none', ask: false, approved: false, name: undefined, groups: [] }

/** What is stored under the bare JID of a contact; under '' the version of the roster. One read gives all of it. */
export interface StoredContact {
  readonly item?: RosterItem | undefined
  /** The stanza of a request that has no answer yet. */
  readonly request?: string | undefined
  readonly version?: number | undefined
}

export class Roster {
  readonly owner: string
  readonly #store: MapStore<StoredContact>
  readonly #items = new Map<string, RosterItem>()
  readonly #requests = new Map<string, string>()
  /** How often it has changed. */
  #version = 0
  #subscribers: readonly string[] | undefined

  private constructor(owner: string, store: MapStore<StoredContact>, contacts: ReadonlyMap<string, StoredContact>) {
    this.owner = owner
    this.#store = store
    for (const [bare, { item, request, version }] of contacts) {
      if (item !== undefined) this.#items.set(bare, item)
      if (request !== undefined) this.#requests.set(bare, request)
      if (version !== undefined) this.#version = version
    }
  }

  static async load(owner: string, store: MapStore<StoredContact>): Promise<Roster> {
    return new Roster(owner, store, await store.all(owner))
  }

  /** Grows with each change (RFC 6121 §2.6). One that never changed calls itself 1, as it does after its first change. */
  get version(): string {
    return String(Math.max(this.#version, 1))
  }

  /** True if a client that has seen that version has missed nothing. */
  isCurrent(version: string | undefined): boolean {
    return this.#version > 1 && version === this.version
  }

  get size(): number {
    return this.#items.size
  }

  get items(): ReadonlyMap<string, RosterItem> {
    return this.#items
  }

  /** Requests without an answer, as the stanzas that made them, by contact. */
  get requests(): ReadonlyMap<string, string> {
    return this.#requests
  }

  /** The bare JIDs of those who get the account's presence. */
  get subscribers(): readonly string[] {
    this.#subscribers ??= [...this.#items].filter(([, item]) => isFrom(item)).map(([bare]) => bare)
    return this.#subscribers
  }

  /** True if that contact gets the account's presence. */
  seesUs({ bare }: Jid): boolean {
    const item = this.#items.get(bare)
    return item !== undefined && isFrom(item)
  }

  /** True if the account gets that contact's presence. */
  weSee({ bare }: Jid): boolean {
    const subscription = this.#items.get(bare)?.subscription
    return subscription === 'to' || subscription === 'both'
  }

  stateOf({ bare }: Jid): SubscriptionState {
    const item = this.#items.get(bare)
    const asked = this.#requests.has(bare)
    if (item === undefined) return asked ? { ...unrelated, asked } : unrelated
    const { subscription, ask } = item
    return {
      to: subscription === 'to' || subscription === 'both',
      from: subscription === 'from' || subscription === 'both',
      ask,
      asked,
    }
  }

  /**
   * Replaces a contact, and the stanza of its request; what is undefined is removed. Visible at once, durable when the
   * promise resolves. If it rejects, everything is as it was.
   */
  async set({ bare }: Jid, item: RosterItem | undefined, request: string | undefined): Promise<void> {
    const before = { item: this.#items.get(bare), request: this.#requests.get(bare) }
    const entries: [string, StoredContact | undefined][] = []
    if (item !== before.item) entries.push(['', { version: ++this.#version }])
    this.#put(bare, item, request)
    entries.push([bare, item === undefined && request === undefined ? undefined : { item, request }])
    try {
      await this.#store.setMany(this.owner, entries)
    } catch (error) {
      // Unless somebody has changed it again, and will find out on their own.
      if (this.#items.get(bare) === item && this.#requests.get(bare) === request) {
        this.#put(bare, before.item, before.request)
      }
      throw error
    }
  }

  /** The same for the request alone. */
  setRequest(contact: Jid, request: string | undefined): Promise<void> {
    return this.set(contact, this.#items.get(contact.bare), request)
  }

  #put(bare: string, item: RosterItem | undefined, request: string | undefined): void {
    replace(this.#items, bare, item)
    replace(this.#requests, bare, request)
    this.#subscribers = undefined
  }
}

function replace<V>(map: Map<string, V>, key: string, value: V | undefined): void {
  if (value === undefined) map.delete(key)
  else map.set(key, value)
}

function isFrom({ subscription }: RosterItem): boolean {
  return subscription === 'from' || subscription === 'both'
}

/** The `<item/>` that clients see (RFC 6121 §2.1.2). */
export function itemElement(bare: string, { name, subscription, ask, approved, groups }: RosterItem): Element {
  return xml(
    'item',
    {
      jid: bare,
      name,
      subscription,
      ask: ask ? 'subscribe' : undefined,
      approved: approved ? 'true' : undefined,
    },
    ...groups.map((group) => xml('group', {}, group)),
  )
}

/** A contact with another state of subscription. */
export function withState(item: RosterItem, { to, from, ask }: SubscriptionState): RosterItem {
  const subscription = to ? (from ? 'both' : 'to') : from ? 'from' : 'none'
  return { ...item, subscription, ask }
}
