/** A session under stream management: what it has sent and what it has handled (XEP-0198). */
import type { ClientSession } from '../../server/session/client-session.ts'
import type { Stream } from '../../server/stream/stream.ts'
import { InOrder } from '../../server/util/in-order.ts'
import { type Element, xml } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'
import type { Stanza } from '../../server/xml/stanza.ts'
import { Unacked, WRAP } from './unacked.ts'

export interface ManagedLimits {
  /** Stanzas, and characters of them, that may wait for an acknowledgement. */
  readonly stanzas: number
  readonly chars: number
}

/** Who is told what becomes of a session. */
export interface ManagedOwner {
  /** More waits than may. */
  overflowed(managed: Managed): void
  /** The client has no stream, and something more waits for it. */
  waits(managed: Managed): void
}

/** An acknowledgement is asked for after so many stanzas; time asks for fewer (`Managed.look`). */
const ASK_AFTER = 8

export class Managed {
  readonly session: ClientSession
  /** Undefined if the session cannot be resumed. */
  readonly id: string | undefined
  /** How long it lives without a stream. */
  readonly resumeSeconds: number
  readonly unacked = new Unacked()
  readonly handled: InOrder
  readonly #limits: ManagedLimits
  readonly #owner: ManagedOwner
  /** How many had been sent when an acknowledgement was last asked for; undefined if all of those have been answered. */
  #askedAt: number | undefined
  /** When that was, in milliseconds of the clock. */
  #askedWhen = 0
  /** So many of those that were sent have been given out by `waiting`. */
  #told = 0
  /** The client has asked; it is answered when so many have been handled. */
  #owed: number | undefined
  #full = false

  constructor(
    session: ClientSession,
    resume: { readonly id: string; readonly seconds: number } | undefined,
    limits: ManagedLimits,
    owner: ManagedOwner,
  ) {
    this.session = session
    this.id = resume?.id
    this.resumeSeconds = resume?.seconds ?? 0
    this.#limits = limits
    this.#owner = owner
    this.handled = new InOrder(() => this.#progress())
    session.counter = this.handled
    session.outbox.keep = (stanza) => this.#keep(stanza)
  }

  /** Our `h`. */
  get h(): string {
    return String(this.handled.count % WRAP)
  }

  /** The client has asked what we have handled. It is told when all that came before has been, or soon anyway. */
  answer(): void {
    if (this.handled.count === this.handled.begun) this.#acknowledge()
    else this.#owed = this.handled.begun
  }

  /** The client says what it has handled; false if that cannot be. */
  acknowledged(h: number): boolean {
    if (!this.unacked.acknowledge(h)) return false
    if (this.#askedAt !== undefined && this.unacked.acked >= this.#askedAt) this.#askedAt = undefined
    return true
  }

  /**
   * Called now and then: asks for what nobody has acknowledged, answers what
   * was put off. False if the client has been asked long ago and is silent.
   */
  look(now: number, patienceMilliseconds: number): boolean {
    if (this.session.stream === undefined) return true
    if (this.#owed !== undefined) this.#acknowledge()
    if (this.#askedAt !== undefined) return this.silence(now) < patienceMilliseconds
    this.unacked.keep()
    if (this.unacked.length > 0) this.#ask(now)
    return true
  }

  /** How long the client has left a question for an acknowledgement unanswered, in milliseconds. */
  silence(now: number): number {
    return this.#askedAt === undefined ? 0 : now - this.#askedWhen
  }

  /** What waits to be acknowledged; each is given out once. */
  waiting(): Iterable<Stanza> {
    const told = this.#told
    this.#told = this.unacked.sent
    return this.unacked.after(told)
  }

  /** Sends again what was not acknowledged, over the stream that the session has now. */
  resend(stream: Stream, now: number): void {
    this.#askedAt = undefined
    this.#owed = undefined
    for (const stanza of this.unacked) stream.send(stanza)
    if (this.unacked.length > 0) this.#ask(now)
  }

  /** Nothing is counted or kept any more. */
  end(): void {
    this.session.counter = undefined
    this.session.outbox.keep = undefined
  }

  #keep(stanza: Stanza): boolean {
    this.unacked.add(stanza)
    const { stanzas, chars } = this.#limits
    if (!this.#full && (this.unacked.length > stanzas || this.unacked.chars > chars)) {
      this.#full = true
      this.#owner.overflowed(this)
      return true
    }
    if (this.session.stream === undefined) this.#owner.waits(this)
    if (this.#askedAt === undefined && this.unacked.length >= ASK_AFTER) queueMicrotask(() => this.#askIfStillNeeded())
    return true
  }

  /** Once for all stanzas of a turn, and behind them. */
  #askIfStillNeeded(): void {
    if (this.#askedAt === undefined && this.unacked.length > 0) this.#ask(this.session.stream?.heardAt ?? 0)
  }

  #ask(now: number): void {
    if (this.session.stream?.send(REQUEST) !== true) return
    this.#askedAt = this.unacked.sent
    this.#askedWhen = now
  }

  #progress(): void {
    if (this.#owed !== undefined && this.handled.count >= this.#owed) this.#acknowledge()
  }

  #acknowledge(): void {
    this.#owed = undefined
    this.session.stream?.send(xml('a', { xmlns: NS.sm, h: this.h }))
  }
}

const REQUEST: Element = xml('r', { xmlns: NS.sm })
