/** XEP-0060: one node, with those who have something to do with it. Its items are elsewhere. */
import type { Jid } from '../../server/jid/jid.ts'
import type { Affiliation } from './access.ts'
import type { Item } from './item.ts'
import type { NodeConfig } from './node-config.ts'
import { isOver, type SubscriptionOptions } from './subscription-options.ts'

/** Of one address, which may be a full JID. */
export interface Subscription {
  readonly state: 'subscribed' | 'pending'
  readonly options: SubscriptionOptions
  /** Others may know of it (XEP-0465). */
  readonly isPublic?: boolean | undefined
}

/** Whether it holds: somebody has approved it, and its time is not over. */
export function isCurrent({ state, options }: Subscription, now: number): boolean {
  return state === 'subscribed' && !isOver(options, now)
}

/** How a node is stored. */
export interface StoredNode {
  /** Names its items and subscriptions in storage, and no other node's, also if one of the same id comes later. */
  readonly key: string
  /** Milliseconds since 1970. */
  readonly createdAt: number
  readonly creator: string
  readonly config: NodeConfig
  /** By bare JID. */
  readonly affiliations: readonly (readonly [bare: string, affiliation: Affiliation])[]
  /** What its items take of the quota. */
  readonly chars: number
}

export class Node {
  readonly id: string
  readonly key: string
  readonly createdAt: number
  readonly creator: string
  config: NodeConfig
  chars: number
  /** By bare JID; nobody is there with `none`. */
  readonly affiliations: Map<string, Affiliation>
  /** By the address that is subscribed. */
  readonly subscriptions = new Map<string, Subscription>()
  /** The last item of a node that stores none (§12.10). */
  transient: Item | undefined
  #turn: Promise<unknown> = Promise.resolve()

  /** What is not in a stored config, since it is older than the option, is as in `defaults`. */
  constructor(id: string, { key, createdAt, creator, config, affiliations, chars }: StoredNode, defaults: NodeConfig) {
    this.id = id
    this.key = key
    this.createdAt = createdAt
    this.creator = creator
    this.config = { ...defaults, ...config }
    this.affiliations = new Map(affiliations)
    this.chars = chars
    this.transient = undefined
  }

  get stored(): StoredNode {
    const { key, createdAt, creator, config, chars } = this
    return { key, createdAt, creator, config, affiliations: [...this.affiliations], chars }
  }

  get owners(): readonly string[] {
    return [...this.affiliations].filter(([, affiliation]) => affiliation === 'owner').map(([bare]) => bare)
  }

  /** Those of one entity: of its bare JID, and of its clients. Addresses are kept as they are normalized. */
  subscriptionsOf({ bare }: Jid): readonly (readonly [address: string, subscription: Subscription])[] {
    const found: [string, Subscription][] = []
    for (const [address, subscription] of this.subscriptions) {
      const isOurs = address.startsWith(bare) && (address.length === bare.length || address[bare.length] === '/')
      if (isOurs) found.push([address, subscription])
    }
    return found
  }

  /** Does something with the items when everything before it is done: all subscribers see one history. */
  take<T>(act: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(act, act)
    this.#turn = done
    return done
  }
}
