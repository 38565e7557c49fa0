/** XEP-0045 §4.1: someone in a room, under one nickname, with one or more clients. */
import type { Jid } from '../../server/jid/jid.ts'
import type { Broadcast } from '../../server/xml/broadcast.ts'
import type { Stanza } from '../../server/xml/stanza.ts'
import type { TokenBucket } from '../../server/util/token-bucket.ts'
import type { Role } from './privileges.ts'

/** One client of an occupant. */
export class OccupantSession {
  /** The real, full address. */
  readonly jid: Jid
  occupant: Occupant
  /** What it has announced last, without what only the room may say. */
  presence: Stanza
  /** It keeps a list of affiliations, and is told to which version each change leads (XEP-0463). */
  tracksAffiliations = false
  /** When it asked for voice last, in milliseconds since 1970 (§7.13). */
  askedForVoiceAt = 0
  /** What it may send. */
  readonly rate: TokenBucket

  constructor(jid: Jid, occupant: Occupant, presence: Stanza, rate: TokenBucket) {
    this.jid = jid
    this.occupant = occupant
    this.presence = presence
    this.rate = rate
  }
}

export class Occupant {
  readonly nick: string
  /** The occupant JID: `room@service/nick`. */
  readonly jid: Jid
  /** The real, bare address. All clients under one nickname share it (§7.2.8). */
  readonly bare: Jid
  /** XEP-0421. */
  readonly id: string
  role: Role
  /** By full address, in the order in which they came. */
  readonly sessions = new Map<string, OccupantSession>()
  /** The client whose presence stands for the occupant: the one that has spoken last. */
  #main: OccupantSession | undefined
  /** How the occupant is shown as long as nothing changes; see `announcements.ts`. */
  views: Views = {}

  constructor(jid: Jid, bare: Jid, id: string, role: Role) {
    this.jid = jid
    // An occupant JID has a resource.
    this.nick = jid.resource ?? ''
    this.bare = bare
    this.id = id
    this.role = role
  }

  get main(): OccupantSession | undefined {
    return this.#main
  }

  add(session: OccupantSession): void {
    session.occupant = this
    this.sessions.set(session.jid.full, session)
    this.#main = session
    this.views = {}
  }

  remove(session: OccupantSession): void {
    this.sessions.delete(session.jid.full)
    if (this.#main === session) this.#main = [...this.sessions.values()].at(-1)
    this.views = {}
  }

  /** A client has announced something new about itself. */
  update(session: OccupantSession, presence: Stanza): void {
    session.presence = presence
    this.#main = session
    this.views = {}
  }

  /** What is shown depends on something that has changed. */
  refresh(): void {
    this.views = {}
  }
}

/** The same presence for those who may see real addresses, and for all others; also for those who track affiliations. */
export interface Views {
  jids?: Broadcast
  plain?: Broadcast
  tracked?: Broadcast
}
