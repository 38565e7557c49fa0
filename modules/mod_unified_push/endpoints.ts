/** Where servers of apps send their messages: an address for each app of each account, that nobody can guess. */
import { createHash, createHmac } from 'node:crypto'
import type { Random } from '../../server/util/random.ts'
import type { KeyvalStore, MapStore } from '../../storage/store.ts'

/** What the distributor in a client has asked for: an app on a device, both in words of its own. */
export interface App {
  readonly application: string
  readonly instance: string
}

export interface Endpoint extends App {
  /** The resource of the client that has the app. */
  readonly resource: string
  /** In milliseconds since 1970. */
  readonly expiresAt: number
}

/** Where an endpoint is kept. */
export interface Place {
  readonly node: string
  readonly key: string
}

export interface EndpointStores {
  /** By account. */
  readonly endpoints: MapStore<Endpoint>
  /** Where to find that of a token, by the name of the token. */
  readonly places: KeyvalStore<Place>
  /** With which tokens are made. */
  readonly secret: KeyvalStore<string>
}

/** 160 bits, as UnifiedPush asks for. */
const TOKEN_BYTES = 20
const TOKEN = /^[A-Za-z0-9_-]{27}$/

export class Endpoints {
  readonly #stores: EndpointStores
  readonly #secret: string

  static async open(stores: EndpointStores, random: Random): Promise<Endpoints> {
    const known = await stores.secret.get('')
    if (known !== undefined) return new Endpoints(stores, known)
    const secret = random.bytes(32).toString('base64url')
    await stores.secret.set('', secret)
    return new Endpoints(stores, secret)
  }

  private constructor(stores: EndpointStores, secret: string) {
    this.#stores = stores
    this.#secret = secret
  }

  /** Those of an account, by their keys. */
  of(node: string): Promise<ReadonlyMap<string, Endpoint>> {
    return this.#stores.endpoints.all(node)
  }

  owners(): AsyncIterable<string> {
    return this.#stores.endpoints.owners()
  }

  /** Keeps an endpoint, anew or again; gives its token, which is the same each time. */
  async put(node: string, endpoint: Endpoint): Promise<string> {
    const key = keyOf(endpoint)
    const token = this.#tokenOf(node, key)
    await Promise.all([
      this.#stores.endpoints.set(node, key, endpoint),
      this.#stores.places.set(nameOf(token), { node, key }),
    ])
    return token
  }

  /** The endpoint of a token, and where it is; undefined if there is none. */
  async find(token: string): Promise<{ readonly place: Place; readonly endpoint: Endpoint } | undefined> {
    const place = TOKEN.test(token) ? await this.#stores.places.get(nameOf(token)) : undefined
    const endpoint = place && (await this.#stores.endpoints.get(place.node, place.key))
    return place && endpoint && { place, endpoint }
  }

  async remove({ node, key }: Place): Promise<void> {
    await Promise.all([
      this.#stores.endpoints.set(node, key, undefined),
      this.#stores.places.set(nameOf(this.#tokenOf(node, key)), undefined),
    ])
  }

  /** Derived, so that an app that registers again keeps its address, and nothing that is stored gives it away. */
  #tokenOf(node: string, key: string): string {
    const code = createHmac('sha256', this.#secret).update(`${node}\n${key}`).digest()
    return code.subarray(0, TOKEN_BYTES).toString('base64url')
  }
}

export function keyOf({ application, instance }: App): string {
  return `${application} ${instance}`
}

/** The slash keeps it apart from the node of any account (RFC 7622 §3.3.1), which owns what is stored under it. */
function nameOf(token: string): string {
  return `/${createHash('sha256').update(token).digest('base64url')}`
}
