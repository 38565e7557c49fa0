/** What a module keeps: three kinds of stores, and how a module declares those it wants. */

/** Whose data it is: the node of an account or room, or '' for the host itself. At most 1023 bytes (RFC 7622 §3.3.1). */
export type Owner = string

/**
 * One value per owner: a vCard, preferences.
 *
 * Values are JSON. A value that was given to a store or came from one is
 * shared with a cache: treat it as frozen.
 */
export interface KeyvalStore<T> {
  get(owner: Owner): Promise<T | undefined>
  /** Replaces the value; undefined removes it. Resolves when that is durable; reads see it at once. */
  set(owner: Owner, value: T | undefined): Promise<void>
  /** Everyone who has a value, in no particular order. */
  owners(): AsyncIterable<Owner>
}

/** Many values per owner, each under a key of at most 1536 bytes: a roster, private data. */
export interface MapStore<T> {
  get(owner: Owner, key: string): Promise<T | undefined>
  /** Replaces the value; undefined removes it. Resolves when that is durable; reads see it at once. */
  set(owner: Owner, key: string, value: T | undefined): Promise<void>
  /** The same for many keys, all or none. */
  setMany(owner: Owner, entries: Iterable<readonly [key: string, value: T | undefined]>): Promise<void>
  all(owner: Owner): Promise<ReadonlyMap<string, T>>
  clear(owner: Owner): Promise<void>
  /** Everyone who has a value, in no particular order. */
  owners(): AsyncIterable<Owner>
}

/** A stanza to be archived. */
export interface NewArchiveItem {
  /** When it was sent or received: what `start` and `end` of a query are compared with. */
  readonly when: Date
  /** The address it is filed under: whom the owner exchanged it with. Bare or full. */
  readonly with: string
  /** XML. */
  readonly stanza: string
  /** A word of the module's own. */
  readonly kind?: string | undefined
}

export interface ArchiveItem extends NewArchiveItem {
  /** 11 characters that sort as the items were archived. */
  readonly id: string
}

/** Which items are meant: those to which all that is given applies. */
export interface ArchiveFilter {
  /** Exchanged with this address; a bare JID stands for all its resources (XEP-0313 §4.1.1). */
  readonly with?: string | undefined
  /** Not earlier than this. */
  readonly start?: Date | undefined
  /** Not later than this. */
  readonly end?: Date | undefined
  /** Archived after the item with this id, which need not exist. Text that is no id matches nothing. */
  readonly after?: string | undefined
  /** Archived before the item with this id, which need not exist. */
  readonly before?: string | undefined
  readonly ids?: readonly string[] | undefined
}

/** The same, for items that are read: also by what they say, if the store was declared to be searched. */
export interface ArchiveSearch extends ArchiveFilter {
  /** Has all of these words, or words that begin like them (words.ts). A text without any word finds nothing. */
  readonly text?: string | undefined
}

export interface ArchiveQuery extends ArchiveSearch {
  /** The most items to give. */
  readonly limit: number
  /** Begins with the newest, and gives the newest first. */
  readonly newestFirst?: boolean | undefined
}

/** An item on its way into an archive. */
export interface Appended {
  /** Known at once, so that the stanza can go on with it. */
  readonly id: string
  /** Resolves when the item is durable; rejects with a StorageError if it could not be kept. */
  readonly stored: Promise<void>
}

/** Stanzas in the order in which they were archived. */
export interface ArchiveStore {
  /** Names the item at once and stores it soon. What is appended in one turn of the event loop is one transaction. */
  append(owner: Owner, item: NewArchiveItem): Appended
  find(owner: Owner, query: ArchiveQuery): Promise<readonly ArchiveItem[]>
  count(owner: Owner, filter: ArchiveSearch): Promise<number>
  get(owner: Owner, id: string): Promise<ArchiveItem | undefined>
  has(owner: Owner, id: string): Promise<boolean>
  /** Puts other XML in the place of an item, as a tombstone does (XEP-0424); false if there is no such item. */
  replace(owner: Owner, id: string, stanza: string): Promise<boolean>
  /**
   * Removes what matches and was appended before this call, of one owner or of
   * all; gives how many. It goes in portions: whoever reads before this
   * resolves may still see some of it.
   */
  remove(owner: Owner | undefined, filter: ArchiveFilter): Promise<number>
  /** Removes the oldest, in portions, until no more than `most` are left; gives how many went. */
  trim(owner: Owner, most: number): Promise<number>
  /** How much an owner has. It is counted in portions. */
  size(owner: Owner): Promise<ArchiveSize>
  /** Everyone who has something, or had, in no particular order. */
  owners(): AsyncIterable<Owner>
}

export interface ArchiveSize {
  readonly items: number
  /** Of their XML. */
  readonly bytes: number
}

export type StoreKind = 'keyval' | 'map' | 'archive'

/** A store as a module declares it: `stores: { roster: map<Contact>('roster') }`. */
export interface StoreSpec<Store> {
  readonly kind: StoreKind
  /** As it is called in the database and in the configuration. */
  readonly name: string
  /** Of an archive that can be searched. */
  readonly textOf?: TextOf | undefined
  /** Never there: only carries the type of what is opened. */
  readonly opens?: Store
}

export function keyval<T>(name: string): StoreSpec<KeyvalStore<T>> {
  return { kind: 'keyval', name }
}

export function map<T>(name: string): StoreSpec<MapStore<T>> {
  return { kind: 'map', name }
}

/** With `textOf` it can be searched for what its stanzas say. */
export function archive(name: string, { textOf }: { readonly textOf?: TextOf } = {}): StoreSpec<ArchiveStore> {
  return { kind: 'archive', name, textOf }
}

/** What an archived stanza says, to whoever searches for it; empty if nothing. */
export type TextOf = (stanza: string) => string

export type StoreSpecs = { readonly [name: string]: StoreSpec<unknown> }

/** What a module is given for what it declared. */
export type Opened<S extends StoreSpecs> = {
  readonly [K in keyof S]: S[K] extends StoreSpec<infer Store> ? Store : never
}
