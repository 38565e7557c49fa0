/** XEP-0494: what has access to an account, as far as it is known. */
import { createHash } from 'node:crypto'
import type { Clock } from '../../server/util/clock.ts'
import { OneAtATime } from '../../server/util/one-at-a-time.ts'
import type { MapStore } from '../../storage/store.ts'

/** How a client gets in: with the password, or because somebody else vouches for it. Its tokens are not noted here. */
export type Access = 'password' | 'grant'

/** An installation of a client, as it is stored. Instants are in milliseconds since 1970. */
export interface KnownClient {
  /** The UUID with which it logs in (XEP-0388 §2.3). */
  readonly agent: string
  readonly software?: string | undefined
  readonly device?: string | undefined
  readonly firstSeen: number
  readonly lastSeen: number
  readonly access: readonly Access[]
  /** It has bound a resource at least once. */
  readonly hadSession?: boolean | undefined
  /** From where it came last, if that is kept. */
  readonly address?: string | undefined
}

/** What is learnt when a client logs in. */
export interface Sighting {
  readonly agent: string
  readonly software: string | undefined
  readonly device: string | undefined
  readonly access: Access | undefined
  readonly address: string | undefined
}

/** Of an account; of more, those that were seen longest ago are forgotten. */
const MOST_CLIENTS = 50
const ID_CHARS = 16

/** What a client is called in lists: always the same, and its UUID, with which it logs in, does not show. */
export function idOf(agent: string): string {
  return createHash('sha256').update(agent).digest('base64url').slice(0, ID_CHARS)
}

export class KnownClients {
  readonly #store: MapStore<KnownClient>
  readonly #clock: Clock
  readonly #keepMilliseconds: number
  /** Of each account: what is read must not have changed when it is written. */
  readonly #turns = new OneAtATime()

  constructor(store: MapStore<KnownClient>, clock: Clock, keepSeconds: number) {
    this.#store = store
    this.#clock = clock
    this.#keepMilliseconds = keepSeconds * 1000
  }

  /** By id. Those that were seen too long ago are none. */
  async of(node: string): Promise<ReadonlyMap<string, KnownClient>> {
    const all = await this.#store.all(node)
    return new Map([...all].filter(([, client]) => this.#isKept(client)))
  }

  saw(node: string, sighting: Sighting): Promise<void> {
    return this.#turns.run(node, () => this.#saw(node, sighting))
  }

  /** It has a session, or had it until now. */
  hasSession(node: string, id: string): Promise<void> {
    return this.#turns.run(node, async () => {
      const known = await this.#store.get(node, id)
      if (known === undefined) return
      await this.#store.set(node, id, { ...known, hadSession: true, lastSeen: this.#clock.now() })
    })
  }

  /** Nobody knows the password any more. */
  forgetPasswords(node: string): Promise<void> {
    return this.#turns.run(node, async () => {
      const all = await this.#store.all(node)
      const withoutPassword = ([id, client]: readonly [string, KnownClient]) =>
        [id, { ...client, access: client.access.filter((way) => way !== 'password') }] as const
      await this.#store.setMany(node, [...all].map(withoutPassword))
    })
  }

  forget(node: string, id: string): Promise<void> {
    return this.#turns.run(node, () => this.#store.set(node, id, undefined))
  }

  async #saw(node: string, { agent, software, device, access, address }: Sighting): Promise<void> {
    const now = this.#clock.now()
    const all = await this.#store.all(node)
    const id = idOf(agent)
    const known = all.get(id)
    const before = known !== undefined && this.#isKept(known) ? known : undefined
    const others = [...all].filter(([other]) => other !== id)
    await this.#store.setMany(node, [
      ...this.#surplus(others).map((other) => [other, undefined] as const),
      [
        id,
        {
          ...before,
          agent,
          software: software ?? before?.software,
          device: device ?? before?.device,
          firstSeen: before?.firstSeen ?? now,
          lastSeen: now,
          access: [...new Set([...(before?.access ?? []), ...(access === undefined ? [] : [access])])],
          address,
        },
      ],
    ])
  }

  #isKept({ lastSeen }: KnownClient): boolean {
    return this.#clock.now() - lastSeen < this.#keepMilliseconds
  }

  /** Those that are to go when one more comes. */
  #surplus(others: readonly (readonly [id: string, client: KnownClient])[]): readonly string[] {
    const kept = others.filter(([, client]) => this.#isKept(client)).toSorted(([, a], [, b]) => b.lastSeen - a.lastSeen)
    const staying = new Set(kept.slice(0, MOST_CLIENTS - 1).map(([id]) => id))
    return others.map(([id]) => id).filter((id) => !staying.has(id))
  }
}
