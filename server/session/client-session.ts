/** Someone: a resource that a client has bound. It has at most one stream, and may outlive it. */
import type { Jid } from '../jid/jid.ts'
import { type Origin, RoutedStanza } from '../routed-stanza.ts'
import { StanzaError } from '../stanza-error.ts'
import type { Stream, StreamUser } from '../stream/stream.ts'
import { StreamError } from '../stream/stream-error.ts'
import { Mailbox } from '../util/mailbox.ts'
import { isPending, type Maybe } from '../util/maybe.ts'
import type { Stanza } from '../xml/stanza.ts'
import type { Account } from './account.ts'
import type { SlotBearer } from './slots.ts'

/** What a session needs of the server around it. */
export interface SessionOwner {
  /** Takes a stanza on its way; pending while a handler waits. */
  route(event: RoutedStanza): Maybe<void>
  /** The addressee of a stanza; throws JidError. */
  addressee(to: string): Jid
  /** True if the stanza answers a request of ours: then it has been taken, and must not wait behind others. */
  takesAnswer(stanza: Stanza, from: Jid, to: Jid): boolean
  /** Answers a stanza that cannot be routed, with an error. */
  refuse(stanza: Stanza, session: Origin, error: StanzaError): void
}

/** What may happen to a stanza between the session and its stream, in this order. */
export interface Outbox {
  /** True if the stanza waits until the client has woken up (XEP-0352). */
  hold?: ((stanza: Stanza) => boolean) | undefined
  /** Keeps a copy until the client has acknowledged it (XEP-0198); true if the stanza is safe though there may be no stream. */
  keep?: ((stanza: Stanza) => boolean) | undefined
  /** What was sent last is being stored, in case the server ends before the client has it: whoever sent it waits for that. */
  storing?: Promise<void> | undefined
}

/** Counts what has come from the client and has been dealt with (XEP-0198 §4). */
export interface StanzaCounter {
  /** The number of the stanza that has just come. */
  begin(): number
  /** All handlers have seen it, and all that it leaves in storage is on its way there. */
  stored(number: number): void
  /** It has been dealt with, and what it leaves in storage is durable. */
  finish(number: number | undefined): void
}

/** Stanzas of one session that may wait behind one that is being handled, before its stream stops reading. */
export const WAITING_STANZAS = 64

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
  /** What modules do with stanzas on their way out and in; undefined while none of them wants to. */
  readonly outbox: Outbox = {}
  /** Counts what has come from the client and has been dealt with, once somebody wants to know (XEP-0198 §4). */
  counter: StanzaCounter | undefined = undefined

  constructor(jid: Jid, resource: string, account: Account, owner: SessionOwner) {
    this.jid = jid
    this.resource = resource
    this.account = account
    this.#owner = owner
    this.#mailbox = new Mailbox((event) => this.#route(event), this)
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
    // Another one than was stopped: it will be told to go on.
    if (this.#paused) stream.pause()
  }

  detach(): void {
    this.#stream = undefined
  }

  /**
   * A stanza from the client. Its `from` and language are set here, and its
   * order among the stanzas of the session is kept from here on (RFC 6120 §10.1).
   */
  receive(stanza: Stanza): void {
    // Before it is counted: a session that is resumed must not wait for what is never dealt with.
    if (!this.#mayBeFrom(stanza.from)) throw new StreamError('invalid-from')
    const number = this.counter?.begin()
    const stamped = stanza.with({ from: this.jid.full, lang: stanza.lang ?? this.#stream?.lang })
    let to: Jid
    try {
      to = stanza.to === undefined ? this.account.jid : this.#owner.addressee(stanza.to)
    } catch {
      this.#owner.refuse(stamped, this, new StanzaError('jid-malformed'))
      this.counter?.finish(number)
      return
    }
    if (this.#owner.takesAnswer(stamped, this.jid, to)) {
      this.counter?.finish(number)
      return
    }
    this.#mailbox.post(new RoutedStanza(stamped, this, this.jid, to, number))
    if (this.#mailbox.length < WAITING_STANZAS || this.#paused) return
    this.#paused = true
    this.#stream?.pause()
  }

  onIdle(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#stream?.resume()
  }

  /** Hands a stanza to the client; false if there is no way to it. */
  send(stanza: Stanza): boolean {
    if (this.outbox.hold?.(stanza) === true) return true
    return this.sendNow(stanza)
  }

  /** The same, though the client may have asked not to be disturbed. */
  sendNow(stanza: Stanza): boolean {
    const kept = this.outbox.keep?.(stanza) === true
    const sent = this.#stream?.send(stanza) ?? false
    return kept || sent
  }

  /** A stanza counts as dealt with when what it must leave in storage is there. */
  #route(event: RoutedStanza<ClientSession>): Maybe<void> {
    // Whoever has left while it waited must not seem to come.
    const routed = this.#closed && isArrival(event.stanza) ? undefined : this.#owner.route(event)
    const { counter } = this
    if (counter === undefined) return routed
    const finish = (): void => counter.finish(event.number)
    const settle = (): void => {
      const settled = event.settled()
      if (!isPending(settled)) return finish()
      if (event.number !== undefined) counter.stored(event.number)
      void settled.then(finish)
      return undefined
    }
    if (isPending(routed)) return routed.then(settle)
    return settle()
  }

  /**
   * Nobody speaks in another's name (RFC 6120 §8.1.2.1). Which of one's own
   * clients is said does not matter, since it is overridden: Converse.js names
   * the resource that it had meant to bind after it has resumed a session.
   */
  #mayBeFrom(from: string | undefined): boolean {
    const { full, bare } = this.jid
    if (from === undefined || from === full || from === bare) return true
    try {
      return this.#owner.addressee(from).bare === bare
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

/** Available presence, also to a room. */
function isArrival({ name, type }: Stanza): boolean {
  return name === 'presence' && type === undefined
}
