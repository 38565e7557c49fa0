/** Invitations that are open: each can be used once, and only for some time. */
import type { Clock } from '../../server/util/clock.ts'
import type { Random } from '../../server/util/random.ts'
import type { MapStore } from '../../storage/store.ts'

/** An invitation as it is stored, under its token. */
export interface StoredInvite {
  /** To become a contact of the inviter; or to make an account of the host, with the inviter as first contact if there is one. */
  readonly to: 'befriend' | 'join'
  /** The account that has invited; undefined if whoever runs the server has. */
  readonly inviter?: string | undefined
  /** The name that is reserved for the new account. */
  readonly node?: string | undefined
  /** Whether an account may be made with it. */
  readonly registers: boolean
  /** Whether inviter and invited become contacts. */
  readonly befriends: boolean
  /** Milliseconds since 1970; undefined if it is good for ever. */
  readonly expiresAt?: number | undefined
}

export interface Invite extends StoredInvite {
  readonly token: string
}

export class Invites {
  readonly #store: MapStore<StoredInvite>
  readonly #clock: Clock
  readonly #random: Random
  readonly #open = new Map<string, Invite>()
  /** Used, or just being used. */
  readonly #claimed = new WeakSet<Invite>()

  private constructor(store: MapStore<StoredInvite>, clock: Clock, random: Random) {
    this.#store = store
    this.#clock = clock
    this.#random = random
  }

  static async load(store: MapStore<StoredInvite>, clock: Clock, random: Random): Promise<Invites> {
    const invites = new Invites(store, clock, random)
    for (const [token, stored] of await store.all('')) invites.#open.set(token, { ...stored, token })
    return invites
  }

  get size(): number {
    return this.#open.size
  }

  /** Those that can be used. */
  get all(): readonly Invite[] {
    return [...this.#open.values()].filter((invite) => this.#isGood(invite))
  }

  /** The invitation with that token; undefined if there is none, or it has expired or is used. */
  find(token: string): Invite | undefined {
    const invite = this.#open.get(token)
    return invite !== undefined && this.#isGood(invite) ? invite : undefined
  }

  /** The one that reserves that name, also if it is just being used. */
  reserving(node: string): Invite | undefined {
    const now = this.#clock.now()
    return [...this.#open.values()].find((invite) => invite.node === node && !isOver(invite, now))
  }

  by(inviter: string): readonly Invite[] {
    return this.all.filter((invite) => invite.inviter === inviter)
  }

  /** It can be used when this resolves. */
  async add(stored: StoredInvite): Promise<Invite> {
    // Letters and digits only (XEP-0401 §5.1), and more than the 80 bits that XEP-0379 §5.1 asks for.
    const token = this.#random.bytes(TOKEN_BYTES).toString('hex')
    const invite = { ...stored, token }
    this.#open.set(token, invite)
    await this.#store.set('', token, stored)
    return invite
  }

  /** Takes it for oneself; false if somebody else has. An invitation that has expired since it was found can be used. */
  claim(invite: Invite): boolean {
    if (this.#claimed.has(invite)) return false
    this.#claimed.add(invite)
    return true
  }

  isClaimed(invite: Invite): boolean {
    return this.#claimed.has(invite)
  }

  /** Gives it back, since it was not used. */
  release(invite: Invite): void {
    this.#claimed.delete(invite)
  }

  /** It is used up, or taken back. */
  async remove(invite: Invite): Promise<void> {
    this.#claimed.add(invite)
    this.#open.delete(invite.token)
    await this.#store.set('', invite.token, undefined)
  }

  async removeExpired(): Promise<void> {
    const now = this.#clock.now()
    const expired = [...this.#open.values()].filter((invite) => isOver(invite, now) && !this.#claimed.has(invite))
    for (const { token } of expired) this.#open.delete(token)
    await this.#store.setMany(
      '',
      expired.map(({ token }) => [token, undefined]),
    )
  }

  #isGood(invite: Invite): boolean {
    return !this.#claimed.has(invite) && !isOver(invite, this.#clock.now())
  }
}

const TOKEN_BYTES = 12

function isOver({ expiresAt = Infinity }: Invite, now: number): boolean {
  return now >= expiresAt
}
