/** XEP-0484: tokens with which clients log in without their password, in one message. */
import {
  answerToToken,
  type HashedTokenMechanism,
  hashedTokenMechanisms,
  provesToken,
  type TokenMessage,
} from '../../server/auth/sasl/hashed-token.ts'
import { formatDateTime } from '../../server/protocol/date-time.ts'
import type { Clock } from '../../server/util/clock.ts'
import type { Random } from '../../server/util/random.ts'
import { type Element, xml } from '../../server/xml/element.ts'
import type { MapStore } from '../../storage/store.ts'
import { NS_FAST } from './request.ts'

/** A token as it is stored. It is good for one mechanism only (§3.4). */
export interface StoredToken {
  readonly token: string
  readonly mechanism: string
  /** Milliseconds since 1970. */
  readonly issuedAt: number
  readonly expiresAt: number
}

/** The tokens of one installation of a client: the one in use, and the one that may take its place (§5.1). */
export interface ClientTokens {
  readonly current?: StoredToken | undefined
  readonly fresh?: StoredToken | undefined
}

export interface TokenTimes {
  readonly lifeSeconds: number
  /** After so long a token is replaced when it is used. */
  readonly rotateSeconds: number
}

/** A token that somebody has proved to have. */
export interface Proved {
  readonly token: StoredToken
  /** The proof that we have it too. */
  readonly answer: Buffer
}

const TOKEN_BYTES = 32
/** Installations of clients that an account may have tokens for; those used longest ago go. */
const MOST_CLIENTS = 50

export class Tokens {
  readonly #store: MapStore<ClientTokens>
  readonly #clock: Clock
  readonly #random: Random
  readonly #times: TokenTimes

  constructor(store: MapStore<ClientTokens>, clock: Clock, random: Random, times: TokenTimes) {
    this.#store = store
    this.#clock = clock
    this.#random = random
    this.#times = times
  }

  /** The token of the client that the message proves; undefined if it has none, or another. Expired ones are as good as none. */
  async prove(
    node: string,
    client: string,
    { name }: HashedTokenMechanism,
    message: TokenMessage,
    binding: Buffer,
  ): Promise<Proved | undefined> {
    const tokens = await this.#store.get(node, client)
    const now = this.#clock.now()
    for (const slot of ['fresh', 'current'] as const) {
      const token = tokens?.[slot]
      if (token === undefined || token.mechanism !== name || token.expiresAt <= now) continue
      if (!provesToken(message, token.token, binding)) continue
      // From now on only this one is good, and those that come after it (§3.5).
      if (slot === 'fresh') await this.#store.set(node, client, { current: token })
      return { token, answer: answerToToken(token.token, binding) }
    }
    return undefined
  }

  /** True if it is time for another. */
  isDue({ issuedAt }: StoredToken): boolean {
    return this.#clock.now() - issuedAt > this.#times.rotateSeconds * 1000
  }

  /** A new token for a client, as the `<token/>` that tells it. The one in use stays good until the new one is used. */
  async issue(node: string, client: string, mechanism: string): Promise<Element | undefined> {
    if (!hashedTokenMechanisms.some(({ name }) => name === mechanism)) return undefined
    const issuedAt = this.#clock.now()
    const expiresAt = issuedAt + this.#times.lifeSeconds * 1000
    const fresh = { token: this.#random.bytes(TOKEN_BYTES).toString('base64'), mechanism, issuedAt, expiresAt }
    const all = await this.#store.all(node)
    await this.#store.setMany(node, [
      ...surplus(all, client).map((other) => [other, undefined] as const),
      [client, { current: all.get(client)?.current, fresh }],
    ])
    return xml('token', { xmlns: NS_FAST, token: fresh.token, expiry: formatDateTime(new Date(expiresAt)) })
  }

  /** When each client that has a token which is still good got its last one. */
  async of(node: string): Promise<ReadonlyMap<string, number>> {
    const now = this.#clock.now()
    const issued = [...(await this.#store.all(node))].map(([client, { current, fresh }]) => {
      const good = [fresh, current].filter((token) => token !== undefined && token.expiresAt > now)
      return [client, good[0]?.issuedAt] as const
    })
    return new Map(issued.flatMap(([client, at]) => (at === undefined ? [] : [[client, at] as const])))
  }

  revoke(node: string, client: string): Promise<void> {
    return this.#store.set(node, client, undefined)
  }

  revokeAll(node: string): Promise<void> {
    return this.#store.clear(node)
  }
}

function surplus(all: ReadonlyMap<string, ClientTokens>, client: string): readonly string[] {
  const others = [...all].filter(([name]) => name !== client)
  const lastUse = ({ current, fresh }: ClientTokens): number => fresh?.issuedAt ?? current?.issuedAt ?? 0
  return others
    .toSorted(([, a], [, b]) => lastUse(b) - lastUse(a))
    .slice(MOST_CLIENTS - 1)
    .map(([name]) => name)
}
