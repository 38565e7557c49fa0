/** Someone: a resource that a client has bound. It has at most one stream, and may outlive it. */
import type { Jid } from '../jid/jid.ts'
import { type Origin, RoutedStanza } from '../routed-stanza.ts'
import type { Stream, StreamUser } from '../stream/stream.ts'
import { StreamError } from '../stream/stream-error.ts'
import { Mailbox } from '../util/mailbox.ts'
import type { Maybe } from '../util/maybe.ts'
import type { Stanza } from '../xml/stanza.ts'
import type { Account } from './account.ts'
import type { SlotBearer } from './slots.ts'

/** What a session needs of the server around it. */
export interface SessionOwner {
  /** Takes a stanza on its way; pending while a handler waits. */
  route(event: RoutedStanza<ClientSession>): Maybe<void>
  /** The addressee of a stanza; throws JidError. */
  addressee(to: string): Jid
  /** True if the stanza answers a request of ours: then it has been taken, and must not wait behind others. */
  takesAnswer(stanza: Stanza, from: Jid, to: Jid): boolean
  /** Refuses a stanza whose address cannot be read (RFC 6120 §8.3.3.8). */
  refuseAddress(stanza: Stanza, session: ClientSession): void
}

/** Stanzas of one session that may wait behind one that is being handled, before its stream stops reading. */
const WAITING_STANZAS = 64

export class ClientSession implements Origin, SlotBearer, StreamUser {
  readonly kind = 'client'
  readonly jid: Jid
  readonly account: Account
  readonly resource: string
  readonly slots: unknown[] = []
  /** The last available presence it has broadcast; undefined while it is unavailable (RFC 6121 §4.2). */
  #presence: Stanza | undefined
  #priority = 0
  #stream: Stream | undefined
  readonly #owner: SessionOwner
  readonly #mailbox: Mailbox<RoutedStanza<ClientSession>>
  #paused = false
  #closed = false

  constructor(jid: Jid, resource: string, account: Account, owner: SessionOwner) {
    this.jid = jid
    this.resource = resource
    this.account = account
    this.#owner = owner
    this.#mailbox = new Mailbox((event) => owner.route(event), this)
  }

  get stream(): Stream | undefined {
    return this.#stream
  }

  get closed(): boolean {
    return this.#closed
  }

  get presence(): Stanza | undefined {
    return this.#presence
  }

  get priority(): number {
    return this.#priority
  }

  /** Notes what the session has announced about itself: available with a priority, or undefined. */
  announce(presence: Stanza | undefined, priority: number): void {
    this.#presence = presence
    this.#priority = priority
    this.account.changed()
  }

  attach(stream: Stream): void {
    this.#stream = stream
  }

  detach(): void {
    this.#stream = undefined
  }

  /**
   * A stanza from the client. Its `from` and language are set here, and its
   * order among the stanzas of the session is kept from here on (RFC 6120 §10.1).
   */
  receive(stanza: Stanza): void {
    if (!this.#mayBeFrom(stanza.from)) throw new StreamError('invalid-from')
    const stamped = stanza.with({ from: this.jid.full, lang: stanza.lang ?? this.#stream?.lang })
    let to: Jid
    try {
      to = stanza.to === undefined ? this.account.jid : this.#owner.addressee(stanza.to)
    } catch {
      this.#owner.refuseAddress(stamped, this)
      return
    }
    if (this.#owner.takesAnswer(stamped, this.jid, to)) return
    this.#mailbox.post(new RoutedStanza(stamped, this, this.jid, to))
    if (this.#mailbox.length < WAITING_STANZAS || this.#paused) return
    this.#paused = true
    this.#stream?.pause()
  }

  onIdle(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#stream?.resume()
  }

  send(stanza: Stanza): boolean {
    return this.#stream?.send(stanza) ?? false
  }

  /** Nobody speaks in another's name (RFC 6120 §8.1.2.1). */
  #mayBeFrom(from: string | undefined): boolean {
    const { full, bare } = this.jid
    if (from === undefined || from === full || from === bare) return true
    try {
      const said = this.#owner.addressee(from)
      return said.full === full || said.full === bare
    } catch {
      return false
    }
  }

  /** Ends the stream, if there is one; the session itself is ended by whoever runs the host. */
  close(error?: StreamError): void {
    this.#closed = true
    this.#stream?.close(error)
  }
}
