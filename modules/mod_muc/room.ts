/** XEP-0045: one room. Who is in it and who belongs to it, how it is configured, and the order of what happens in it. */
import { createHmac } from 'node:crypto'
import type { Jid } from '../../server/jid/jid.ts'
import { TokenBucket } from '../../server/util/token-bucket.ts'
import { Mailbox } from '../../server/util/mailbox.ts'
import type { Maybe } from '../../server/util/maybe.ts'
import type { Stanza } from '../../server/xml/stanza.ts'
import type { Affiliate, AffiliateChanges, Affiliates } from './affiliates.ts'
import { affiliationLog, logged } from './features/affiliation-versions.ts'
import { History } from './features/history.ts'
import { isMembersOnly, isModerated, isPersistent } from './features/kinds.ts'
import { newcomersHaveVoice } from './features/visitors.ts'
import { Job } from './job.ts'
import { nickLook } from './nicknames.ts'
import { Occupant, OccupantSession, type Views } from './occupant.ts'
import type { RoomValue } from './options.ts'
import { type Affiliation, defaultRole, type Role } from './privileges.ts'
import type { MucService, StoredRoom } from './service.ts'

/** The key from which occupant ids are made (XEP-0421 §4.1). Never told to anybody. */
export const occupantIdKey: RoomValue<string> = { key: 'occupant_id_key', initial: '' }

/** The bare JID of whoever has made the room. */
export const creator: RoomValue<string> = { key: 'creator', initial: '' }

/** What a room is made of. */
export interface RoomParts {
  readonly service: MucService
  readonly jid: Jid
  readonly stored: StoredRoom
  readonly affiliates: Affiliates
  /** Nobody but its creator may enter before it is configured (§10.1); until then nothing of it is stored. */
  readonly isLocked: boolean
}

/** What is changed of a room. */
interface RoomChanges {
  readonly values?: ReadonlyMap<string, unknown> | undefined
  readonly affiliates?: AffiliateChanges | undefined
}

/** Whoever left before is found only if they have said something. */
const MOST_DEPARTED = 500

const NOBODY: AffiliateChanges = new Map()
const NOTHING: ReadonlyMap<string, unknown> = new Map()

export class Room {
  readonly service: MucService
  /** `room@service`. */
  readonly jid: Jid
  readonly affiliates: Affiliates
  /** By nickname. */
  readonly occupants = new Map<string, Occupant>()
  /** Every client in the room, by its full address. */
  readonly sessions = new Map<string, OccupantSession>()
  /** Of those who have left lately: whom an occupant id stands for. */
  readonly departed = new Map<string, Jid>()
  /** How those who are not there are shown; see `absentees.ts`. What is known of somebody is replaced when it changes. */
  readonly absentViews = new WeakMap<Affiliate, Views>()
  readonly history: History
  readonly createdAt: number
  isLocked: boolean
  /** It was destroyed, or let go of: whoever still holds it must ask for the room anew. */
  isGone = false
  /** Somebody has been in it since it is in memory. */
  wasEntered = false
  /** How many are doing something in it, or wait for their turn. */
  users = 0
  /** When somebody last did, in milliseconds since 1970. */
  usedAt = 0
  /** Who is in the room, by bare JID: under one nickname, or under several. */
  readonly #people = new Map<string, Set<Occupant>>()
  /** The occupants by what their nicknames look like. */
  readonly #looks = new Map<string, Occupant>()
  readonly #values: Map<string, unknown>
  readonly #jobs = new Mailbox<Pick<Job<unknown>, 'run'>>((job) => job.run())

  constructor({ service, jid, stored, affiliates, isLocked }: RoomParts) {
    this.service = service
    this.jid = jid
    this.affiliates = affiliates
    this.history = new History(jid.full)
    this.createdAt = stored.createdAt
    this.isLocked = isLocked
    this.#values = new Map(Object.entries(stored.values))
  }

  get node(): string {
    return this.jid.node ?? ''
  }

  get<T>(value: RoomValue<T>): T {
    const { key, initial } = value
    // Only values of this kind are put under this key.
    return (this.#values.get(key) ?? this.service.defaults.get(key) ?? initial) as T
  }

  /**
   * Does something when the room has done all that it was asked before: at
   * once in this stack if it is idle. So all occupants see one history.
   */
  take<T>(act: () => Maybe<T>): Maybe<T> {
    const job = new Job(act)
    this.#jobs.post(job)
    return job.outcome()
  }

  /** Stores changed values; they hold from when that is durable. */
  setValues(values: ReadonlyMap<string, unknown>): Promise<void> {
    return this.store({ values })
  }

  /** Stores changed values and affiliations, all or none; they hold from when that is durable. */
  async store({ values = NOTHING, affiliates }: RoomChanges): Promise<void> {
    const changed = new Map(values)
    const moved = this.#moved(affiliates)
    if (moved.length > 0) changed.set(affiliationLog.key, logged(this.get(affiliationLog), moved))
    if (!this.isLocked) {
      const { rooms, affiliations } = this.service.stores
      // In one turn, and so in one transaction.
      await Promise.all([
        rooms.set(this.node, this.#stored(new Map([...this.#values, ...changed]))),
        affiliates && affiliations.setMany(this.node, affiliates),
      ])
    }
    for (const [key, value] of changed) this.#values.set(key, value)
    if (affiliates !== undefined) this.affiliates.apply(affiliates)
  }

  /** Lets others in: what was kept in memory so far is stored (§10.1.2). */
  async unlock(): Promise<void> {
    if (!this.isLocked) return
    const { rooms, affiliations } = this.service.stores
    await Promise.all([
      // Of an earlier room that was not erased wholly.
      this.service.host.purge(this.node),
      affiliations.setMany(this.node, this.affiliates.entries()),
      rooms.set(this.node, this.#stored(this.#values)),
    ])
    this.isLocked = false
    this.service.host.announce('muc/opened', { room: this })
  }

  get isTemporary(): boolean {
    return !this.get(isPersistent)
  }

  /** With what role somebody comes in; undefined if they may not. */
  roleFor(affiliation: Affiliation): Role | undefined {
    return defaultRole(affiliation, {
      isModerated: this.get(isModerated),
      newcomersHaveVoice: this.get(newcomersHaveVoice),
      isMembersOnly: this.get(isMembersOnly),
    })
  }

  affiliationOf(occupant: Occupant): Affiliation {
    return this.affiliates.of(occupant.bare)
  }

  /** The bare JIDs of all who are in the room. */
  get people(): Iterable<string> {
    return this.#people.keys()
  }

  /** An occupant whose nickname looks like this one. */
  lookalike(nick: string): Occupant | undefined {
    return this.#looks.get(nickLook(nick))
  }

  isPresent(bare: string): boolean {
    return this.#people.has(bare)
  }

  /** A person may be in a room under several nicknames. */
  occupantsOf(bare: string): readonly Occupant[] {
    return [...(this.#people.get(bare) ?? [])]
  }

  /** Stable for one person in one room, and tells nothing of who it is (XEP-0421 §4.1). */
  occupantId(bare: Jid): string {
    return createHmac('sha256', this.get(occupantIdKey)).update(bare.bare).digest('base64url')
  }

  /** A new occupant, without clients yet. */
  makeOccupant(nick: string, bare: Jid, role: Role): Occupant {
    return new Occupant(this.jid.withResource(nick), bare, this.occupantId(bare), role)
  }

  /** Puts a client into the room, under the nickname of an occupant. */
  seat(jid: Jid, occupant: Occupant, presence: Stanza): OccupantSession {
    const { config, host } = this.service
    const rate = { perSecond: config.occupant_rate, burst: config.occupant_burst }
    const session = new OccupantSession(jid, occupant, presence, new TokenBucket(rate, host.clock.now()))
    this.wasEntered = true
    this.sessions.set(jid.full, session)
    this.#takeNick(session, occupant)
    return session
  }

  /** Moves a client to another nickname. */
  move(session: OccupantSession, occupant: Occupant): void {
    this.#leaveNick(session)
    this.#takeNick(session, occupant)
  }

  /** Takes a client out of the room, and the nickname with the last one. */
  unseat(session: OccupantSession): void {
    if (!this.sessions.delete(session.jid.full)) return
    this.#leaveNick(session)
    const { id, bare } = session.occupant
    this.departed.delete(id)
    this.departed.set(id, bare)
    const [oldest] = this.departed.keys()
    if (this.departed.size > MOST_DEPARTED && oldest !== undefined) this.departed.delete(oldest)
  }

  send(to: Jid, stanza: Stanza, from: Jid): void {
    void this.service.host.sendTo(to, stanza, from)
  }

  /** Sends a stanza that says itself who it is from. */
  forward(to: Jid, stanza: Stanza): void {
    const { host } = this.service
    this.send(to, stanza.with({ to: to.full }), stanza.from === undefined ? this.jid : host.parseJid(stanza.from))
  }

  /** What occupants look like may depend on what has changed. */
  refresh(): void {
    for (const occupant of this.occupants.values()) occupant.refresh()
  }

  /** Whose affiliation changes; nicknames make no version (XEP-0463). */
  #moved(affiliates: AffiliateChanges = NOBODY): readonly string[] {
    return [...affiliates].flatMap(([jid, next]) =>
      this.affiliates.own(jid) === (next?.affiliation ?? 'none') ? [] : jid,
    )
  }

  #takeNick(session: OccupantSession, occupant: Occupant): void {
    const { bare } = occupant.bare
    if (!this.occupants.has(occupant.nick)) this.#looks.set(nickLook(occupant.nick), occupant)
    this.occupants.set(occupant.nick, occupant)
    occupant.add(session)
    const known = this.#people.get(bare)
    if (known !== undefined) return void known.add(occupant)
    this.#people.set(bare, new Set([occupant]))
    this.service.visits.add(bare)
  }

  #leaveNick(session: OccupantSession): void {
    const { occupant } = session
    const { bare } = occupant.bare
    occupant.remove(session)
    if (occupant.sessions.size > 0) return
    if (this.occupants.get(occupant.nick) === occupant) this.occupants.delete(occupant.nick)
    const look = nickLook(occupant.nick)
    if (this.#looks.get(look) === occupant) this.#looks.delete(look)
    const left = this.#people.get(bare)
    left?.delete(occupant)
    if (left?.size !== 0) return
    this.#people.delete(bare)
    this.service.visits.remove(bare)
  }

  #stored(values: ReadonlyMap<string, unknown>): StoredRoom {
    return { createdAt: this.createdAt, values: Object.fromEntries(values) }
  }
}
