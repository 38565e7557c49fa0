/** Which rooms a service has: found, made, put to rest and destroyed here. */
import { LRUCache } from 'lru-cache'
import type { Jid } from '../../server/jid/jid.ts'
import { isPending, type Maybe } from '../../server/util/maybe.ts'
import { type Affiliate, Affiliates } from './affiliates.ts'
import type { HistoryArchive } from './features/history-archive.ts'
import { isMembersOnly, isPersistent, isPublic } from './features/kinds.ts'
import { description, language, roomName } from './features/name.ts'
import { isProtected } from './features/password.ts'
import { whois } from './features/whois.ts'
import { creator, occupantIdKey, Room } from './room.ts'
import { partWith, restoreOccupants, saveOccupants } from './survival.ts'
import { type MucService, Tally, type Tombstone } from './service.ts'

/** What is known of every room without loading it. */
interface Listing {
  readonly isTemporary: boolean
  readonly creator: string
  /** Of a room that is shown in lists. */
  readonly shown: Shown | undefined
}

/** What lists and searches tell of a room. */
export interface Shown {
  readonly name: string
  readonly description: string
  readonly language: string
  /** Whoever is not banned can enter. */
  readonly isOpen: boolean
  readonly isNonAnonymous: boolean
}

/** Temporary rooms whose occupants a crash has scattered wait so long for them to come back. */
const ORPHAN_SECONDS = 3600

/** Rooms in which nothing happens leave memory after so long. */
const REST_MILLISECONDS = 3_600_000

/** Rooms with more clients stay: to come back, they would take the time of everybody. */
const MOST_SLEEPERS = 500

/** Rooms whose descriptions are read at a time when the service starts. */
const READ_AT_ONCE = 100

export class Rooms {
  readonly #service: MucService
  readonly #known = new Map<string, Listing>()
  /** How many rooms each bare JID has made. */
  readonly #made = new Tally()
  readonly #tombstones = new Map<string, Tombstone>()
  /** Rooms with somebody in them, or with something going on. */
  readonly #live = new Map<string, Room>()
  readonly #resting: LRUCache<string, Room>
  /** Occupants of rooms that are out of memory. */
  readonly #asleep = new Map<string, number>()
  readonly #loading = new Map<string, Promise<Room | undefined>>()
  readonly #archive: HistoryArchive

  private constructor(service: MucService, archive: HistoryArchive) {
    this.#service = service
    this.#archive = archive
    this.#resting = new LRUCache({
      max: service.config.rooms_at_hand,
      ttl: REST_MILLISECONDS,
      updateAgeOnGet: true,
      // Whoever still holds it must ask for the room anew.
      dispose: (room, _node, reason) => void (room.isGone ||= reason !== 'delete'),
    })
    service.host.every('hour', 'let go of quiet rooms', () => this.#letGo())
  }

  /** Reads which rooms there are. */
  static async open(service: MucService, archive: HistoryArchive): Promise<Rooms> {
    const rooms = new Rooms(service, archive)
    await rooms.#readTombstones()
    await rooms.#readListings()
    return rooms
  }

  get isClosing(): boolean {
    return this.#service.isClosing
  }

  get count(): number {
    return this.#known.size
  }

  /** Every room, whether it is loaded or not. */
  get nodes(): Iterable<string> {
    return this.#known.keys()
  }

  /** Rooms that may be shown to everybody, by node. */
  *listed(): Iterable<readonly [node: string, shown: Shown]> {
    for (const [node, { shown }] of this.#known) if (shown !== undefined) yield [node, shown]
  }

  /** How many rooms somebody has made. */
  madeBy(bare: string): number {
    return this.#made.of(bare)
  }

  /** How many are in a room just now. */
  occupancy(node: string): number {
    return this.#live.get(node)?.occupants.size ?? this.#asleep.get(node) ?? 0
  }

  /** Rooms in memory in which somebody is. */
  get live(): Iterable<Room> {
    return this.#live.values()
  }

  tombstone(node: string): Tombstone | undefined {
    const stone = this.#tombstones.get(node)
    if (stone === undefined || stone.until > this.#service.host.clock.now()) return stone
    this.#removeTombstone(node)
    return undefined
  }

  /** The room of that name: at once if it is in memory, or if there is none. */
  find(node: string): Maybe<Room | undefined> {
    const room = this.#live.get(node) ?? this.#resting.get(node)
    if (room !== undefined || !this.#known.has(node)) return room
    const loading = this.#loading.get(node) ?? this.#load(node)
    return loading
  }

  /** A new room; `maker` becomes its owner. A tombstone under that name goes. */
  create(jid: Jid, maker: Jid, spokenLanguage: string | undefined): Room {
    const { host, config, defaults, options } = this.#service
    const values = new Map(defaults)
    // Other defaults later do not change it.
    for (const { key, initial } of options) if (!values.has(key)) values.set(key, initial)
    values.set(creator.key, maker.bare)
    values.set(occupantIdKey.key, host.random.bytes(32).toString('base64url'))
    if (spokenLanguage !== undefined) values.set(language.key, spokenLanguage)
    const owner: Affiliate = { affiliation: 'owner' }
    const room = new Room({
      service: this.#service,
      jid,
      stored: { createdAt: host.clock.now(), values: Object.fromEntries(values) },
      affiliates: new Affiliates([[maker.bare, owner]]),
      isLocked: true,
    })
    if (this.#tombstones.has(room.node)) this.#removeTombstone(room.node)
    this.#list(room.node, listingOf(room))
    this.#live.set(room.node, room)
    if (config.lock_new_rooms) this.#unlockLater(room)
    host.log.info('room created', { jid: room.jid.full, peer: maker.bare })
    return room
  }

  /** Does something in a room when its turn comes, and keeps the room in memory meanwhile, if it is there at all. */
  use<T>(found: Room, act: (room: Room) => Maybe<T>): Maybe<T> {
    // While this one was on its way out of memory, somebody may have loaded it anew.
    const room = this.#live.get(found.node) ?? found
    // It has left memory, or was destroyed: it must not come back, and whoever acts sees that it has gone.
    if (room.isGone) return act(room)
    room.users++
    room.usedAt = this.#service.host.clock.now()
    this.#resting.delete(room.node)
    this.#live.set(room.node, room)
    let outcome: Maybe<T>
    try {
      outcome = room.take(() => act(room))
    } catch (error) {
      this.#release(room)
      throw error
    }
    if (isPending(outcome)) return outcome.finally(() => this.#release(room))
    this.#release(room)
    return outcome
  }

  /** Does something in the room of that name, as it is when its turn comes; `otherwise` if there is none then. */
  visit<T>(node: string, act: (room: Room) => Maybe<T>, otherwise: () => Maybe<T>): Maybe<T> {
    const enter = (found: Room | undefined): Maybe<T> =>
      found === undefined
        ? otherwise()
        : // It may have gone while this waited; there may be another one by then.
          this.use(found, (room) => (room.isGone ? this.visit(node, act, otherwise) : act(room)))
    const found = this.find(node)
    return isPending(found) ? found.then((late) => enter(late)) : enter(found)
  }

  /** What lists tell of a room has changed. */
  relist(room: Room): void {
    if (!room.isGone) this.#list(room.node, listingOf(room))
  }

  /**
   * Lets nothing of a room be left, in its turn. With `stone`, nobody gets its
   * name for a while. If that cannot be stored, the room stays as it is.
   */
  async destroy(room: Room, stone?: Tombstone): Promise<void> {
    const { node } = room
    const { tombstones } = this.#service.stores
    // If we are killed in between, the rest is erased at the next start.
    if (stone !== undefined) await tombstones.set('', node, stone)
    try {
      await this.#erase(node)
    } catch (error) {
      if (stone !== undefined) await tombstones.set('', node, undefined)
      throw error
    }
    if (stone !== undefined) this.#tombstones.set(node, stone)
    this.#forget(room)
  }

  /** Stores who is where: the service is about to end. */
  async close(): Promise<void> {
    await Promise.all(Array.from(this.#live.values(), async (room) => this.use(room, partWith)))
  }

  /** Rooms in which nothing happens leave memory, whether there is somebody in them or not. */
  async #letGo(): Promise<void> {
    this.#resting.purgeStale()
    const quietSince = this.#service.host.clock.now() - REST_MILLISECONDS
    for (const room of this.#live.values()) {
      if (isQuiet(room, quietSince)) await this.#lull(room)
    }
  }

  async #lull(found: Room): Promise<void> {
    await this.use(found, async (room) => {
      await saveOccupants(room)
      // Somebody has come meanwhile: it is not that quiet.
      if (room.users > 1 || room.isGone) return this.#service.stores.occupants.set(room.node, undefined)
      room.isGone = true
      this.#live.delete(room.node)
      this.#asleep.set(room.node, room.occupants.size)
      for (const bare of room.people) this.#service.visits.remove(bare)
    })
  }

  #release(room: Room): void {
    room.users--
    if (room.users > 0 || room.sessions.size > 0 || room.isGone) return
    // Nobody is left: temporary rooms, and those that were never configured, go (§10.1.3, §7.14).
    if (room.isLocked || (room.wasEntered && room.isTemporary)) {
      this.#forget(room)
      // What is written to a new room of that name comes behind.
      this.#service.host.spawn('erase an empty room', () => this.#erase(room.node))
      return
    }
    this.#live.delete(room.node)
    this.#resting.set(room.node, room)
  }

  #forget(room: Room): void {
    const { host } = this.#service
    room.isGone = true
    this.#unlist(room.node)
    this.#asleep.delete(room.node)
    this.#live.delete(room.node)
    this.#resting.delete(room.node)
    host.announce('muc/destroyed', { room })
    host.log.info('room destroyed', { jid: room.jid.full })
  }

  #load(node: string): Promise<Room | undefined> {
    const loading = this.#read(node).finally(() => this.#loading.delete(node))
    this.#loading.set(node, loading)
    return loading
  }

  async #read(node: string): Promise<Room | undefined> {
    const { host, stores } = this.#service
    const stored = await stores.rooms.get(node)
    if (stored === undefined) {
      this.#unlist(node)
      return undefined
    }
    const affiliates = new Affiliates(await stores.affiliations.all(node))
    const room = new Room({ service: this.#service, jid: host.jid.withNode(node), stored, affiliates, isLocked: false })
    await this.#archive.recall(room)
    await restoreOccupants(room)
    this.#asleep.delete(node)
    if (room.sessions.size > 0) this.#live.set(node, room)
    else this.#resting.set(node, room)
    return room
  }

  #unlockLater(room: Room): void {
    const { host, config } = this.#service
    host.after(config.lock_timeout, 'unlock a room', async () => {
      if (room.isLocked && !room.isGone) await this.use(room, () => room.unlock())
    })
  }

  /** Whatever module it is of. */
  #erase(node: string): Promise<void> {
    return this.#service.host.purge(node)
  }

  #removeTombstone(node: string): void {
    const { host, stores } = this.#service
    this.#tombstones.delete(node)
    host.spawn('remove a tombstone', () => stores.tombstones.set('', node, undefined))
  }

  async #readTombstones(): Promise<void> {
    const stones = await this.#service.stores.tombstones.all('')
    for (const [node, stone] of stones) this.#tombstones.set(node, stone)
  }

  async #readListings(): Promise<void> {
    const { host, stores } = this.#service
    let reading: Promise<void>[] = []
    for await (const node of stores.rooms.owners()) {
      if (reading.push(this.#readListing(node)) < READ_AT_ONCE) continue
      await Promise.all(reading)
      reading = []
    }
    await Promise.all(reading)
    host.after(ORPHAN_SECONDS, 'destroy forgotten rooms', () => this.#destroyOrphans())
  }

  async #readListing(node: string): Promise<void> {
    // The server was killed while the room was being destroyed: that goes on now.
    if (this.#tombstones.has(node)) return this.#erase(node)
    const stored = await this.#service.stores.rooms.get(node)
    if (stored !== undefined)
      this.#list(
        node,
        listing((key) => stored.values[key]),
      )
  }

  #list(node: string, listed: Listing): void {
    this.#unlist(node)
    this.#known.set(node, listed)
    this.#made.add(listed.creator)
  }

  #unlist(node: string): void {
    const known = this.#known.get(node)
    if (known === undefined) return
    this.#known.delete(node)
    this.#made.remove(known.creator)
  }

  async #destroyOrphans(): Promise<void> {
    for (const [node, { isTemporary }] of this.#known) {
      const room = isTemporary && !this.#live.has(node) ? await this.find(node) : undefined
      if (room === undefined) continue
      await this.use(room, (used) => (used.sessions.size > 0 || used.isGone ? undefined : this.destroy(used)))
    }
  }
}

function isQuiet({ users, usedAt, isLocked, sessions }: Room, since: number): boolean {
  return users === 0 && usedAt <= since && !isLocked && sessions.size <= MOST_SLEEPERS
}

function listingOf(room: Room): Listing {
  return listing((key) => room.get({ key }))
}

/** `value` gives what is stored of a room under a key. */
function listing(value: (key: string) => unknown): Listing {
  return {
    isTemporary: value(isPersistent.key) !== true,
    creator: textOf(value(creator.key)),
    shown: value(isPublic.key) === true ? shownOf(value) : undefined,
  }
}

function shownOf(value: (key: string) => unknown): Shown {
  return {
    name: textOf(value(roomName.key)),
    description: textOf(value(description.key)),
    language: textOf(value(language.key)),
    isOpen: value(isMembersOnly.key) !== true && value(isProtected.key) !== true,
    isNonAnonymous: value(whois.key) === 'anyone',
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
