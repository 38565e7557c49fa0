/** XEP-0191 §6: what an account has blocked, and whom that concerns. */
import type { Jid } from '../../server/jid/jid.ts'

/** When an address was blocked, in milliseconds since 1970. */
export interface Blocking {
  readonly since: number
}

/** What an account has blocked, by address. */
export type Blocklist = ReadonlyMap<string, Blocking>

/** True if an address is blocked: itself, with all resources, or with its domain (§6). */
export function isBlocked(list: Blocklist, { full, bare, domain }: Jid): boolean {
  return list.has(full) || list.has(bare) || list.has(domain)
}

/** A list of nothing but these, blocked at that time. */
export function listOf(jids: Iterable<Jid>, since = 0): Blocklist {
  return new Map(Array.from(jids, ({ full }) => [full, { since }]))
}

/** The addresses in the order in which they were blocked. */
export function inOrder(list: Blocklist): readonly string[] {
  return [...list].toSorted(([, one], [, other]) => one.since - other.since).map(([jid]) => jid)
}
