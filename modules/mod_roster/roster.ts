/** The contacts of one account, in memory and in storage (RFC 6121 §2). */
import { createHash } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
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

/** A push that is one of several has a version that is none: whoever misses the others gets the whole roster. */
export type PushProgress = 'done' | 'unfinished'

/** Contacts that an account has for what it belongs to, by bare JID, and the groups that they are shown in. */
export type SharedContacts = ReadonlyMap<string, readonly string[]>

const NOBODY: SharedContacts = new Map()

export class Roster {
  readonly owner: string
  readonly #store: MapStore<StoredContact>
  /** As they are stored. */
  readonly #own = new Map<string, RosterItem>()
  #shared = NOBODY
  /** Both of them, once somebody asks. */
  #items: ReadonlyMap<string, RosterItem> | undefined
  readonly #requests = new Map<string, string>()
  /** How often it has changed. */
  #version = 0
  /** Of the shared ones, as part of the version; empty if there are none. */
  #digest = ''
  #subscribers: readonly string[] | undefined

  private constructor(owner: string, store: MapStore<StoredContact>, contacts: ReadonlyMap<string, StoredContact>) {
    this.owner = owner
    this.#store = store
    for (const [bare, { item, request, version }] of contacts) {
      if (item !== undefined) this.#own.set(bare, item)
      if (request !== undefined) this.#requests.set(bare, request)
      if (version !== undefined) this.#version = version
    }
  }

  static async load(owner: string, store: MapStore<StoredContact>): Promise<Roster> {
    return new Roster(owner, store, await store.all(owner))
  }

  /** Grows with each change (RFC 6121 §2.6). One that never changed calls itself 1, as it does after its first change. */
  get version(): string {
    return `${Math.max(this.#version, 1)}${this.#digest}`
  }

  /** True if a client that has seen that version has missed nothing. */
  isCurrent(version: string | undefined): boolean {
    return this.#version > 1 && version === this.version
  }

  /** How many contacts are stored. */
  get size(): number {
    return this.#own.size
  }

  get items(): ReadonlyMap<string, RosterItem> {
    this.#items ??= this.#shared.size === 0 ? this.#own : withShared(this.#own, this.#shared)
    return this.#items
  }

  /** A contact as it is stored: what it would be if it were not shared. */
  own({ bare }: Jid): RosterItem | undefined {
    return this.#own.get(bare)
  }

  /** The groups that a contact is in whatever the account's owner does; undefined if it is not shared. */
  sharedGroups({ bare }: Jid): readonly string[] | undefined {
    return this.#shared.get(bare)
  }

  /** Replaces the contacts that are shared. Gives the bare JIDs of those that are not what they were. */
  share(contacts: SharedContacts): readonly string[] {
    const before = this.#shared
    const concerned = new Set([...before.keys(), ...contacts.keys()])
    this.#shared = contacts
    this.#digest = contacts.size === 0 ? '' : `-${digestOf(contacts)}`
    this.#changed()
    return [...concerned].filter((bare) => !isDeepStrictEqual(before.get(bare), contacts.get(bare)))
  }

  /** Requests without an answer, as the stanzas that made them, by contact. */
  get requests(): ReadonlyMap<string, string> {
    return this.#requests
  }

  /** The bare JIDs of those who get the account's presence. */
  get subscribers(): readonly string[] {
    this.#subscribers ??= [...this.items].filter(([, item]) => isFrom(item)).map(([bare]) => bare)
    return this.#subscribers
  }

  /** True if that contact gets the account's presence. */
  seesUs({ bare }: Jid): boolean {
    const item = this.items.get(bare)
    return item !== undefined && isFrom(item)
  }

  /** True if the account gets that contact's presence. */
  weSee({ bare }: Jid): boolean {
    const subscription = this.items.get(bare)?.subscription
    return subscription === 'to' || subscription === 'both'
  }

  stateOf({ bare }: Jid): SubscriptionState {
    const item = this.items.get(bare)
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
    const before = { item: this.#own.get(bare), request: this.#requests.get(bare) }
    const entries: [string, StoredContact | undefined][] = []
    if (item !== before.item) entries.push(['', { version: ++this.#version }])
    this.#put(bare, item, request)
    entries.push([bare, item === undefined && request === undefined ? undefined : { item, request }])
    try {
      await this.#store.setMany(this.owner, entries)
    } catch (error) {
      // Unless somebody has changed it again, and will find out on their own.
      if (this.#own.get(bare) === item && this.#requests.get(bare) === request) {
        this.#put(bare, before.item, before.request)
      }
      throw error
    }
  }

  /** The same for the request alone. */
  setRequest(contact: Jid, request: string | undefined): Promise<void> {
    return this.set(contact, this.#own.get(contact.bare), request)
  }

  #put(bare: string, item: RosterItem | undefined, request: string | undefined): void {
    replace(this.#own, bare, item)
    replace(this.#requests, bare, request)
    this.#changed()
  }

  #changed(): void {
    this.#items = undefined
    this.#subscribers = undefined
  }
}

/** Shared contacts see each other, and are in their groups besides those that the owner has put them into. */
function withShared(own: ReadonlyMap<string, RosterItem>, shared: SharedContacts): ReadonlyMap<string, RosterItem> {
  const items = new Map(own)
  for (const [bare, groups] of shared) {
    const item = own.get(bare) ?? newItem
    items.set(bare, { ...item, subscription: 'both', ask: false, groups: [...new Set([...item.groups, ...groups])] })
  }
  return items
}

function digestOf(contacts: SharedContacts): string {
  const sorted = [...contacts].toSorted(([one], [other]) => (one < other ? -1 : 1))
  return createHash('sha256').update(JSON.stringify(sorted)).digest('base64url').slice(0, DIGEST_CHARS)
}

const DIGEST_CHARS = 16

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
