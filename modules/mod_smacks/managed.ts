/** A session under stream management: what it has sent and what it has handled (XEP-0198). */
import type { Kept } from '../../server/host/events.ts'
import type { ClientSession } from '../../server/session/client-session.ts'
import type { Stream } from '../../server/stream/stream.ts'
import { InOrder } from '../../server/util/in-order.ts'
import type { Maybe } from '../../server/util/maybe.ts'
import { type Element, xml } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'
import type { Stanza } from '../../server/xml/stanza.ts'
import { Unacked, type UnackedStanza, WRAP } from './unacked.ts'

export interface ManagedLimits {
  /** Stanzas that may come for a client that is cut off. */
  readonly stanzas: number
  /** Characters that may wait for an acknowledgement. */
  readonly chars: number
}

/** How a session begins, or goes on after a restart of the server. */
export interface ManagedBeginning {
  /** Given if the session can be resumed. */
  readonly resume: { readonly id: string; readonly seconds: number } | undefined
  /** What had been handled, and what the client had acknowledged. */
  readonly handled?: number
  readonly acked?: number
}

/** Who is told what becomes of a session. */
export interface ManagedOwner {
  /** More waits than may. */
  overflowed(managed: Managed): void
  /** The client has no stream, and something more waits for it. */
  waits(managed: Managed): void
  /** Stores what has been sent, if it would be missed; it may be long until the client has it if it is late. */
  store(managed: Managed, stanza: Stanza, is: 'sent' | 'late'): Kept | undefined
  /** So many stanzas have been handled, as soon as what they leave in storage is there. */
  counts(managed: Managed, handled: number): void
}

/** An acknowledgement is asked for after so many stanzas; time asks for fewer (`Managed.look`). */
const ASK_AFTER = 8

export class Managed {
  readonly session: ClientSession
  /** Undefined if the session cannot be resumed. */
  readonly id: string | undefined
  /** How long it lives without a stream. */
  readonly resumeSeconds: number
  readonly unacked: Unacked
  readonly handled: InOrder
  readonly #limits: ManagedLimits
  #owner: ManagedOwner
  /** How many had been sent when an acknowledgement was last asked for; undefined if all of those have been answered. */
  #askedAt: number | undefined
  /** When that was, in milliseconds of the clock. */
  #askedWhen = 0
  /** So many of those that were sent have been given out by `waiting`. */
  #told = 0
  /** The client has asked; it is answered when so many have been handled. */
  #owed: number | undefined
  #full = false
  /** What waited when the client was cut off. */
  #before = 0
  #settled: PromiseWithResolvers<void> | undefined

  constructor(
    session: ClientSession,
    { resume, handled = 0, acked = 0 }: ManagedBeginning,
    limits: ManagedLimits,
    owner: ManagedOwner,
  ) {
    this.session = session
    this.id = resume?.id
    this.resumeSeconds = resume?.seconds ?? 0
    this.#limits = limits
    this.#owner = owner
    this.unacked = new Unacked(acked)
    this.handled = new InOrder(() => this.#progress(), handled)
    session.counter = {
      begin: () => this.handled.begin(),
      finish: (number) => this.handled.finish(number),
      stored: (number) => this.#owner.counts(this, number),
    }
    session.outbox.keep = (stanza) => this.#keep(stanza)
  }

  /** The module has been loaded anew: another one looks after the session now. */
  handOver(owner: ManagedOwner): void {
    this.#owner = owner
  }

  /** Our `h`. */
  get h(): string {
    return String(this.handled.count % WRAP)
  }

  /** The client has asked what we have handled. It is told when all that came before has been, or soon anyway. */
  answer(): void {
    if (this.handled.isIdle) this.#acknowledge()
    else this.#owed = this.handled.begun
  }

  /** Pending while something that the client has sent is still being handled: it must not be counted as lost, and come twice. */
  settled(): Maybe<void> {
    if (this.handled.isIdle) return undefined
    this.#settled ??= Promise.withResolvers()
    return this.#settled.promise
  }

  /** The client is cut off. */
  detached(): void {
    this.#before = this.unacked.length
    this.#storeAll('all')
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
    this.#storeAll('some')
    if (this.#askedAt !== undefined) return this.silence(now) < patienceMilliseconds
    if (this.unacked.length > 0) this.#ask(now)
    return true
  }

  /** How long the client has left a question for an acknowledgement unanswered, in milliseconds. */
  silence(now: number): number {
    return this.#askedAt === undefined ? 0 : now - this.#askedWhen
  }

  /** What waits to be acknowledged; each is given out once. */
  waiting(): Iterable<UnackedStanza> {
    const told = this.#told
    this.#told = this.unacked.sent
    return this.unacked.after(told)
  }

  /** Sends again what was not acknowledged, over the stream that the session has now. */
  resend(stream: Stream, now: number): void {
    this.#askedAt = undefined
    this.#owed = undefined
    for (const { stanza } of this.unacked) stream.send(stanza)
    if (this.unacked.length > 0) this.#ask(now)
  }

  /** Nothing is counted or kept any more. */
  end(): void {
    this.session.counter = undefined
    this.session.outbox.keep = undefined
  }

  #keep(stanza: Stanza): boolean {
    const kept = this.#owner.store(this, stanza, this.session.stream === undefined ? 'late' : 'sent')
    this.unacked.add(stanza, kept)
    this.session.outbox.storing = kept?.stored
    if (!this.#full && this.#isOverfull) {
      this.#full = true
      this.#owner.overflowed(this)
      return true
    }
    if (this.session.stream === undefined) this.#owner.waits(this)
    if (this.#askedAt === undefined && this.unacked.length >= ASK_AFTER) queueMicrotask(() => this.#askIfStillNeeded())
    return true
  }

  /** Somebody who enters a large room is sent thousands at once: what matters is how much comes when nobody reads it. */
  get #isOverfull(): boolean {
    const { stanzas, chars } = this.#limits
    if (this.unacked.chars > chars) return true
    return this.session.stream === undefined && this.unacked.length - this.#before > stanzas
  }

  #storeAll(which: 'all' | 'some'): void {
    this.unacked.keep(which, (stanza) => this.#owner.store(this, stanza, 'late'))
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
    if (this.handled.isIdle) {
      this.#settled?.resolve()
      this.#settled = undefined
    }
    if (this.#owed !== undefined && this.handled.count >= this.#owed) this.#acknowledge()
  }

  #acknowledge(): void {
    this.#owed = undefined
    this.session.stream?.send(xml('a', { xmlns: NS.sm, h: this.h }))
  }
}

const REQUEST: Element = xml('r', { xmlns: NS.sm })
