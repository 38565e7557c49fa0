/** Who gives out the tokens: an OpenID provider, found by its address (OpenID Connect Discovery §4). */
import { createLocalJWKSet, type JWTVerifyGetKey } from 'jose'
import { z } from 'zod'
import type { Clock } from '../../server/util/clock.ts'
import type { JsonClient } from './json-client.ts'
import { Lasting } from './lasting.ts'

const HOUR_MILLISECONDS = 3_600_000

const metadata = z.object({ issuer: z.string(), jwks_uri: z.url(), introspection_endpoint: z.url().optional() })
const keySet = z.object({ keys: z.array(z.looseObject({ kty: z.string() })).max(100) })

export type Metadata = z.infer<typeof metadata>

export class Issuer {
  /** As tokens name it. */
  readonly name: string
  readonly #json: JsonClient
  readonly #metadata: Lasting<Metadata>
  readonly #keys: Lasting<JWTVerifyGetKey>

  constructor(name: string, json: JsonClient, clock: Clock) {
    this.name = name
    this.#json = json
    this.#metadata = new Lasting(() => this.#discover(), clock, 24 * HOUR_MILLISECONDS)
    this.#keys = new Lasting(() => this.#fetchKeys(), clock, HOUR_MILLISECONDS)
  }

  get discoveryUrl(): string {
    return `${this.name.replace(/\/$/, '')}/.well-known/openid-configuration`
  }

  metadata(): Promise<Metadata> {
    return this.#metadata.get()
  }

  /** Finds the key that a token is signed with. */
  keys(): Promise<JWTVerifyGetKey> {
    return this.#keys.get()
  }

  /** The same after a token came with a key that is not among them: they may have changed. */
  renewedKeys(): Promise<JWTVerifyGetKey> {
    return this.#keys.renewed()
  }

  async #discover(): Promise<Metadata> {
    const found = metadata.parse(await this.#json.ask(this.discoveryUrl))
    if (found.issuer !== this.name) throw new Error(`${this.discoveryUrl} is of ${found.issuer}`)
    return found
  }

  async #fetchKeys(): Promise<JWTVerifyGetKey> {
    const { jwks_uri: url } = await this.metadata()
    // jose looks closer at each key when it is needed.
    return createLocalJWKSet(keySet.parse(await this.#json.ask(url)))
  }
}
