/** XEP-0045 §5.2: who belongs to a room, or is banned from it, and which nicknames are reserved for them. */
import type { Jid } from '../../server/jid/jid.ts'
import type { Affiliation } from './privileges.ts'

/** As it is stored, under a bare JID or a domain. */
export interface Affiliate {
  readonly affiliation: Exclude<Affiliation, 'none'>
  /** The nickname reserved for them (§7.10). */
  readonly nick?: string | undefined
  /** Why they were given the affiliation. */
  readonly reason?: string | undefined
}

/** Changes by bare JID or domain; undefined takes the affiliation away. */
export type AffiliateChanges = ReadonlyMap<string, Affiliate | undefined>

export class Affiliates {
  readonly #byJid: Map<string, Affiliate>
  readonly #byNick = new Map<string, string>()
  #banned = 0

  constructor(stored: Iterable<readonly [string, Affiliate]>) {
    this.#byJid = new Map(stored)
    for (const [jid, { affiliation, nick }] of this.#byJid) {
      if (nick !== undefined) this.#byNick.set(nick, jid)
      if (affiliation === 'outcast') this.#banned++
    }
  }

  /** How many belong to the room, and how many are banned. */
  get counts(): { readonly people: number; readonly banned: number } {
    return { people: this.#byJid.size - this.#banned, banned: this.#banned }
  }

  /** All there are, by bare JID or domain. */
  entries(): Iterable<readonly [string, Affiliate]> {
    return this.#byJid
  }

  /** What is known under exactly this bare JID or domain. */
  get(bare: string): Affiliate | undefined {
    return this.#byJid.get(bare)
  }

  /** What somebody is themselves, whatever holds for their domain. */
  own(bare: string): Affiliation {
    return this.#byJid.get(bare)?.affiliation ?? 'none'
  }

  /** A person comes before their domain, of which only bans count (§9.2). */
  of({ bare, domain }: Jid): Affiliation {
    const own = this.#byJid.get(bare)
    if (own !== undefined) return own.affiliation
    return this.#byJid.get(domain)?.affiliation === 'outcast' ? 'outcast' : 'none'
  }

  /** For whom a nickname is reserved. */
  holderOf(nick: string): string | undefined {
    return this.#byNick.get(nick)
  }

  *having(affiliation: Affiliation): Iterable<readonly [string, Affiliate]> {
    for (const entry of this.#byJid) if (entry[1].affiliation === affiliation) yield entry
  }

  /** True if the room had an owner after those changes. */
  wouldHaveOwner(changes: AffiliateChanges): boolean {
    for (const change of changes.values()) if (change?.affiliation === 'owner') return true
    for (const [jid] of this.having('owner')) if (!changes.has(jid)) return true
    return false
  }

  apply(changes: AffiliateChanges): void {
    for (const [jid, change] of changes) this.#set(jid, change)
  }

  #set(jid: string, affiliate: Affiliate | undefined): void {
    const { nick: former, affiliation } = this.#byJid.get(jid) ?? {}
    if (affiliation === 'outcast') this.#banned--
    if (affiliate?.affiliation === 'outcast') this.#banned++
    if (former !== undefined && this.#byNick.get(former) === jid) this.#byNick.delete(former)
    if (affiliate === undefined) {
      this.#byJid.delete(jid)
      return
    }
    this.#byJid.set(jid, affiliate)
    if (affiliate.nick !== undefined) this.#byNick.set(affiliate.nick, jid)
  }
}
