/**
 * Who has sent what to whom, what the server has taken responsibility for, and where that is. A message is known by the
 * id that its sender has given it, wherever it turns up.
 *
 * Lost is what was acknowledged to its sender and is missing in one of the places where it must be:
 *
 * - the archive of its sender, of its addressee, of its room, where there is one;
 * - what the addressee's clients were sent, live or later, where the addressee has no archive.
 *
 * Duplicated is what is twice in one archive (under two ids), or was sent twice to one session, or comes again when the
 * books of its round are closed. Not counted is what is sent to one session before a crash and to another after it,
 * because the client's acknowledgement was still on its way: nothing in XEP-0198 can prevent that (§4), and clients
 * recognise it by its stanza-id or origin-id.
 */

export interface Sent {
  readonly id: string
  /** Archives that must have it, by their owner: a bare JID. */
  readonly archives: readonly string[]
  /** Whose clients must have been sent it; undefined if it is for those who read the archive. */
  readonly addressee: string | undefined
}

export interface Account {
  acknowledged: number
  lost: readonly string[]
  duplicated: readonly string[]
  /** Refused: its sender knows. */
  refused: number
  /** Acknowledged, and only in the archive: no client was sent it. */
  onlyArchived: number
}

interface Entry extends Sent {
  isAcknowledged: boolean
  isRefused: boolean
  /** The ids that it has in each archive. */
  readonly kept: Map<string, Set<string>>
  /** How often each session of each client was sent it. */
  readonly sessions: Map<string, number>
  readonly faults: Set<string>
}

export class Ledger {
  readonly #entries = new Map<string, Entry>()
  readonly #settled = new Set<string>()
  /** What came after its books were closed. */
  readonly #late = new Set<string>()

  sent(sent: Sent): void {
    const fresh = { isAcknowledged: false, isRefused: false }
    const places = { kept: new Map(), sessions: new Map(), faults: new Set<string>() }
    this.#entries.set(sent.id, { ...sent, ...fresh, ...places })
  }

  acknowledged(id: string): void {
    const entry = this.#entries.get(id)
    if (entry !== undefined) entry.isAcknowledged = true
  }

  refused(id: string): void {
    const entry = this.#entries.get(id)
    if (entry !== undefined) entry.isRefused = true
  }

  /** A session of a client was sent it. */
  delivered(id: string, session: string): void {
    const entry = this.#entries.get(id)
    if (entry === undefined) {
      if (this.#settled.has(id)) this.#late.add(`${id} again in ${session}`)
      return
    }
    const times = (entry.sessions.get(session) ?? 0) + 1
    if (times > 1) entry.faults.add(`${times} times in ${session}`)
    entry.sessions.set(session, times)
  }

  /** It was found in an archive. */
  kept(id: string, owner: string, archiveId: string): void {
    const entry = this.#entries.get(id)
    if (entry === undefined) return
    const ids = entry.kept.get(owner) ?? new Set()
    entry.kept.set(owner, ids.add(archiveId))
  }

  /** True if all that `addressee` waits for has come. */
  get isComplete(): boolean {
    return [...this.#entries.values()].every(
      ({ addressee, sessions, isRefused }) => addressee === undefined || isRefused || sessions.size > 0,
    )
  }

  /** Closes the books: whatever comes of it from now on comes again. */
  close(): Account {
    const entries = [...this.#entries.values()].filter(({ isRefused }) => !isRefused)
    const acknowledged = entries.filter(({ isAcknowledged }) => isAcknowledged)
    const account = {
      acknowledged: acknowledged.length,
      lost: acknowledged.flatMap(missing),
      duplicated: [...entries.flatMap(surplus), ...this.#late],
      refused: this.#entries.size - entries.length,
      onlyArchived: acknowledged.filter(({ addressee, sessions }) => addressee !== undefined && sessions.size === 0)
        .length,
    }
    for (const id of this.#entries.keys()) this.#settled.add(id)
    this.#entries.clear()
    this.#late.clear()
    return account
  }
}

function missing({ id, archives, addressee, kept, sessions }: Entry): readonly string[] {
  const holes = archives.filter((owner) => !kept.has(owner)).map((owner) => `${id} not in the archive of ${owner}`)
  if (addressee === undefined || archives.includes(addressee) || sessions.size > 0) return holes
  return [...holes, `${id} not sent to ${addressee}`]
}

function surplus({ id, kept, faults }: Entry): readonly string[] {
  const twice = [...kept].filter(([, ids]) => ids.size > 1)
  return [
    ...twice.map(([owner, ids]) => `${id} ${ids.size} times in the archive of ${owner}`),
    ...[...faults].map((fault) => `${id} ${fault}`),
  ]
}
