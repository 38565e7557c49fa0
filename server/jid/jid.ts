/** RFC 6122: the addresses of XMPP, `node@domain/resource`. */
import { LRUCache } from 'lru-cache'
import { own } from '../util/own.ts'
import { prepareDomain } from './domain.ts'
import { nodeprep, resourceprep } from './prepare.ts'

/** An address, prepared: equal addresses have equal strings. */
export class Jid {
  readonly node: string | undefined
  readonly domain: string
  readonly resource: string | undefined
  /** `node@domain`, or `domain`. */
  readonly bare: string
  /** `bare/resource`, or `bare`. */
  readonly full: string
  #bareJid: Jid | undefined

  private constructor(parts: Parts, bare: string, full: string) {
    this.node = parts.node
    this.domain = parts.domain
    this.resource = parts.resource
    this.bare = bare
    this.full = full
  }

  /** Throws JidError if a part is malformed. */
  static parse(text: string): Jid {
    return Jid.#made(split(text))
  }

  static tryParse(text: string): Jid | undefined {
    const prepared = prepare(split(text))
    return typeof prepared === 'string' ? undefined : Jid.#of(prepared)
  }

  /** Of parts that need not be prepared. Throws JidError if one is malformed. */
  static from(node: string | undefined, domain: string, resource?: string): Jid {
    return Jid.#made({ node, domain, resource })
  }

  static #made(raw: Parts): Jid {
    const prepared = prepare(raw)
    if (typeof prepared === 'string') throw new JidError(prepared)
    return Jid.#of(prepared)
  }

  static #of(prepared: Parts): Jid {
    const { node, domain, resource } = prepared
    const bare = node === undefined ? domain : `${node}@${domain}`
    return new Jid(prepared, bare, resource === undefined ? bare : `${bare}/${resource}`)
  }

  /** The address without its resource; the same object each time. */
  toBare(): Jid {
    if (this.resource === undefined) return this
    const { node, domain, bare } = this
    this.#bareJid ??= new Jid({ node, domain, resource: undefined }, bare, bare)
    return this.#bareJid
  }

  /** Throws JidError if the resource is malformed. */
  withResource(resource: string | undefined): Jid {
    return Jid.from(this.node, this.domain, resource)
  }

  /** The address of another node at the same domain, bare. Throws JidError if the node is malformed. */
  withNode(node: string | undefined): Jid {
    return Jid.from(node, this.domain)
  }

  equals(other: Jid): boolean {
    return this.full === other.full
  }

  /** `full`. */
  toString(): string {
    return this.full
  }
}

/** An address is malformed. */
export class JidError extends Error {
  override readonly name = 'JidError'
  readonly part: Part

  constructor(part: Part) {
    super(`The ${part} of the address is malformed`)
    this.part = part
  }
}

/** Reads addresses, and knows those that it read last: nearly all are read again and again. */
export class JidCache {
  readonly #known: LRUCache<string, Jid>

  constructor(max = 10_000) {
    this.#known = new LRUCache({ max })
  }

  /** Throws JidError if a part is malformed. */
  parse(text: string): Jid {
    const known = this.#known.get(text)
    if (known !== undefined) return known
    const owned = own(text)
    return this.#keep(owned, Jid.parse(owned))
  }

  tryParse(text: string): Jid | undefined {
    const known = this.#known.get(text)
    if (known !== undefined) return known
    const owned = own(text)
    const jid = Jid.tryParse(owned)
    return jid === undefined ? undefined : this.#keep(owned, jid)
  }

  #keep(text: string, jid: Jid): Jid {
    if (text.length <= LONGEST_KEPT) this.#known.set(text, jid)
    return jid
  }
}

/** Addresses that people use are far shorter; so the cache holds a few megabytes at most. */
const LONGEST_KEPT = 256

interface Parts {
  readonly node: string | undefined
  readonly domain: string
  readonly resource: string | undefined
}

type Part = 'node' | 'domain' | 'resource'

/** The resource begins after the first slash, the node ends before the first at sign (RFC 6122 §2.1). */
function split(text: string): Parts {
  const slash = text.indexOf('/')
  const bare = slash === -1 ? text : text.slice(0, slash)
  const at = bare.indexOf('@')
  return {
    node: at === -1 ? undefined : bare.slice(0, at),
    domain: at === -1 ? bare : bare.slice(at + 1),
    resource: slash === -1 ? undefined : text.slice(slash + 1),
  }
}

/** The parts, prepared; or the name of that which is malformed. */
function prepare(raw: Parts): Parts | Part {
  const domain = prepareDomain(raw.domain)
  if (domain === undefined) return 'domain'
  const node = raw.node === undefined ? undefined : nodeprep(raw.node)
  if (node === undefined && raw.node !== undefined) return 'node'
  const resource = raw.resource === undefined ? undefined : resourceprep(raw.resource)
  if (resource === undefined && raw.resource !== undefined) return 'resource'
  return { node, domain, resource }
}
