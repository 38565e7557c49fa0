/**
 * Messages that a client was sent and has not acknowledged (XEP-0198 §4). They are kept as if nobody had got them, until
 * the client says that it has: so they are where the next client finds them, even if the server is killed.
 *
 * What is in the archive of the account is safe there. It is kept here as well only when it is late: when its client is
 * cut off, or silent for some seconds.
 */
import type { Kept } from '../../server/host/events.ts'
import type { ModuleHost } from '../../server/host/host.ts'
import { delayElement, withoutDelaysFrom } from '../../server/protocol/delay.ts'
import { stanzaIdBy } from '../../server/protocol/stanza-id.ts'
import { handled, type Handled } from '../../server/routed-stanza.ts'
import type { Account } from '../../server/session/account.ts'
import type { ClientSession } from '../../server/session/client-session.ts'
import type { Stanza } from '../../server/xml/stanza.ts'
import type { Backlog, Waiting } from './backlog.ts'
import { isForAccount, isWorthKeeping } from './worth.ts'

interface Unacknowledged {
  readonly session: ClientSession
  readonly stanza: Stanza
  readonly kept?: Kept | undefined
}

export class Safekeeping {
  readonly #host: ModuleHost
  readonly #backlog: Backlog
  readonly #readsArchive: (session: ClientSession) => boolean
  /** What sessions have been sent and may still acknowledge, by account: ids in the backlog. */
  readonly #held = new Map<string, Set<string>>()
  /** Messages that come from the backlog, by what is sent of them. */
  readonly #offered = new WeakMap<Stanza, string>()

  constructor(host: ModuleHost, backlog: Backlog, readsArchive: (session: ClientSession) => boolean) {
    this.#host = host
    this.#backlog = backlog
    this.#readsArchive = readsArchive
    host.on('session/unacknowledged', (event) => this.#secure(event))
    host.on('session/undelivered', (event) => this.#rescue(event), 'fallback')
  }

  /** Puts a message where it waits for its account. */
  store(node: string, stanza: Stanza, from: string): Waiting {
    const now = new Date(this.#host.clock.now())
    const kept = withoutDelaysFrom(stanza, this.#host.domain).append(delayElement(now, this.#host.domain))
    return this.#backlog.append(node, from, kept.toString())
  }

  /** True if a session was sent that message of the backlog, and may still acknowledge it. */
  isHeld(node: string, id: string): boolean {
    return this.#held.get(node)?.has(id) === true
  }

  /** Sends a message of the backlog; false if there is no way to the client. It stays where it is if the client will acknowledge it. */
  offer(session: ClientSession, id: string, stanza: Stanza): boolean {
    const node = session.jid.node ?? ''
    this.#offered.set(stanza, id)
    // Whoever comes back wants to see what was said, also with the screen off: it does not wait for that (XEP-0352).
    if (!session.sendNow(stanza)) return false
    if (!this.isHeld(node, id)) this.#backlog.remove(node, id)
    return true
  }

  #secure(event: {
    readonly session: ClientSession
    readonly stanza: Stanza
    readonly is: 'sent' | 'late'
    readonly ref?: string | undefined
  }): Kept | undefined {
    const { session, stanza, is, ref = this.#offered.get(stanza) } = event
    const { account } = session
    const node = account.jid.node ?? ''
    if (ref !== undefined) return this.#hold(node, { id: ref, stored: Promise.resolve() })
    if (!isForLater(stanza, account)) return undefined
    if (isArchived(stanza, account) && (is === 'sent' || this.#readsArchive(session))) return undefined
    return this.#hold(node, this.#store(stanza, account))
  }

  /** For the account's other clients, or for later. */
  #rescue({ session: { account, priority }, stanza, kept }: Unacknowledged): Handled | undefined {
    if (stanza.name !== 'message' || !isForAccount({ stanza, to: account.jid })) return undefined
    if (!isWorthKeeping(stanza)) return handled
    const { receptive } = account
    if (receptive.length === 0) {
      if (kept === undefined) this.#store(stanza, account)
      else kept.release()
      return handled
    }
    const highest = Math.max(...receptive.map((session) => session.priority))
    // Those of the same priority have got what went to the bare JID.
    if (stanza.to !== account.jid.bare || highest < priority) {
      for (const session of receptive) if (session.priority === highest) session.send(stanza)
    }
    kept?.forget()
    return handled
  }

  #store(stanza: Stanza, { jid: { node = '' } }: Account): Waiting {
    return this.store(node, stanza, this.#host.parseJid(stanza.from ?? this.#host.domain).bare)
  }

  #hold(node: string, { id, stored }: Waiting): Kept {
    const held = this.#held.get(node) ?? new Set()
    this.#held.set(node, held.add(id))
    const release = (): void => {
      held.delete(id)
      if (held.size === 0) this.#held.delete(node)
    }
    const forget = (): void => {
      release()
      this.#backlog.remove(node, id)
    }
    return { ref: id, stored, forget, release }
  }
}

function isForLater(stanza: Stanza, { jid }: Account): boolean {
  return stanza.name === 'message' && isForAccount({ stanza, to: jid }) && isWorthKeeping(stanza)
}

function isArchived(stanza: Stanza, { jid }: Account): boolean {
  return stanzaIdBy(stanza, jid.bare) !== undefined
}
