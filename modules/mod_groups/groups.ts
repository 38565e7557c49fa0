/** Which accounts belong together. */
import type { Jid } from '../../server/jid/jid.ts'

/** Groups of accounts by name; an account may be in several. Nodes are prepared. */
export class Groups {
  readonly #host: Jid
  readonly #members = new Map<string, ReadonlySet<string>>()
  /** Members that have an account: only they are somebody's contact. */
  readonly #present = new Set<string>()

  /** `host` is the domain of the accounts. */
  constructor(host: Jid) {
    this.#host = host
  }

  get names(): Iterable<string> {
    return this.#members.keys()
  }

  /** Also those without an account; empty if there is no such group. */
  membersOf(name: string): ReadonlySet<string> {
    return this.#members.get(name) ?? NOBODY
  }

  /** A group without members is none. */
  set(name: string, members: Iterable<string>): void {
    const nodes = new Set(members)
    if (nodes.size === 0) this.#members.delete(name)
    else this.#members.set(name, nodes)
  }

  /** Notes that a node has an account. True if it is a member of which that was not known. */
  appear(node: string): boolean {
    if (this.#present.has(node) || this.groupsOf(node).length === 0) return false
    this.#present.add(node)
    return true
  }

  disappear(node: string): void {
    this.#present.delete(node)
  }

  groupsOf(node: string): readonly string[] {
    return [...this.#members].filter(([, members]) => members.has(node)).map(([name]) => name)
  }

  /** Everyone in one of the groups of that node, itself too. */
  circleOf(node: string): ReadonlySet<string> {
    return new Set([node, ...this.groupsOf(node).flatMap((name) => [...this.membersOf(name)])])
  }

  /** The accounts that share groups with an account, by bare JID, and those groups. */
  contactsOf(node: string): ReadonlyMap<string, readonly string[]> {
    const contacts = new Map<string, readonly string[]>()
    if (!this.#present.has(node)) return contacts
    for (const name of this.groupsOf(node)) {
      for (const other of this.membersOf(name)) {
        if (other === node || !this.#present.has(other)) continue
        const { bare } = this.#host.withNode(other)
        contacts.set(bare, [...(contacts.get(bare) ?? []), name])
      }
    }
    return contacts
  }
}

const NOBODY: ReadonlySet<string> = new Set()
