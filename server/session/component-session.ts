/** XEP-0114: a program that speaks for a whole domain of ours. */
import type { Jid } from '../jid/jid.ts'
import { type Origin, RoutedStanza } from '../routed-stanza.ts'
import { StanzaError } from '../stanza-error.ts'
import type { Stream, StreamUser } from '../stream/stream.ts'
import { StreamError } from '../stream/stream-error.ts'
import { Mailbox } from '../util/mailbox.ts'
import type { Stanza } from '../xml/stanza.ts'
import { type SessionOwner, WAITING_STANZAS } from './client-session.ts'

export class ComponentSession implements Origin, StreamUser {
  readonly kind = 'component'
  /** The domain. */
  readonly jid: Jid
  readonly stream: Stream
  /** What it has shown to have its secret; good for this stream only. */
  readonly proof: string
  readonly #owner: SessionOwner
  readonly #mailbox: Mailbox<RoutedStanza<ComponentSession>>
  #paused = false

  constructor(jid: Jid, stream: Stream, proof: string, owner: SessionOwner) {
    this.jid = jid
    this.stream = stream
    this.proof = proof
    this.#owner = owner
    this.#mailbox = new Mailbox((event) => this.#owner.route(event), this)
  }

  /** Hands a stanza to the program; false if it has gone. */
  send(stanza: Stanza): boolean {
    return this.stream.send(stanza)
  }

  /** A stanza from the program. Its order among the others is kept from here on (RFC 6120 §10.1). */
  receive(stanza: Stanza): void {
    const from = this.#sender(stanza)
    const stamped = stanza.with({ from: from.full, lang: stanza.lang ?? this.stream.lang })
    const to = this.#addressee(stamped)
    if (to === undefined || this.#owner.takesAnswer(stamped, from, to)) return
    this.#mailbox.post(new RoutedStanza(stamped, this, from, to))
    if (this.#mailbox.length < WAITING_STANZAS || this.#paused) return
    this.#paused = true
    this.stream.pause()
  }

  onIdle(): void {
    if (!this.#paused) return
    this.#paused = false
    this.stream.resume()
  }

  /**
   * DEPARTS XEP-0114 §3: a stanza needs no `from`, since programs that leave it out mean themselves, and other servers
   * let them. Any address of the domain will do.
   */
  #sender({ from }: Stanza): Jid {
    if (from === undefined) return this.jid
    const sender = this.#read(from)
    if (sender?.domain !== this.jid.domain) {
      throw new StreamError('invalid-from', `A component speaks for ${this.jid.domain} only`)
    }
    return sender
  }

  /** Undefined if there is none: whoever has written the stanza is told. */
  #addressee(stanza: Stanza): Jid | undefined {
    const to = stanza.to === undefined ? undefined : this.#read(stanza.to)
    if (to !== undefined) return to
    const error =
      stanza.to === undefined
        ? new StanzaError('bad-request', 'Stanzas of components need an addressee')
        : new StanzaError('jid-malformed')
    this.#owner.refuse(stanza, this, error)
    return undefined
  }

  #read(address: string): Jid | undefined {
    try {
      return this.#owner.addressee(address)
    } catch {
      return undefined
    }
  }
}
