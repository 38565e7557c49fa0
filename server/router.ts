/** Takes a stanza from its origin to whoever handles it (RFC 6120 §10, RFC 6121 §8). */
import type { Jid } from './jid/jid.ts'
import { StorageError } from '../storage/storage-error.ts'
import type { Log } from './log/log.ts'
import { Rarely } from './log/rarely.ts'
import type { PendingIqs } from './pending-iqs.ts'
import { handled, type Handled, type Origin, type RoutedStanza } from './routed-stanza.ts'
import { type StanzaCondition, StanzaError } from './stanza-error.ts'
import type { Clock } from './util/clock.ts'
import { isPending, type Maybe } from './util/maybe.ts'
import { errorReply } from './xml/build.ts'
import type { Stanza } from './xml/stanza.ts'

/** A domain of ours, as the router sees it: two chains of handlers. */
export interface RoutedHost {
  /** One of its clients sends. */
  outgoing(event: RoutedStanza): Maybe<Handled | undefined>
  /** Something has come for it. */
  incoming(event: RoutedStanza): Maybe<Handled | undefined>
}

/** What the router must know of the world. */
export interface Routes {
  host(domain: string): RoutedHost | undefined
  /** The way to domains that are not ours. */
  remote(event: RoutedStanza): Maybe<Handled | undefined>
}

/** A stanza whose handlers take longer is given up: that is reported, and its sender is told. */
const DEADLINE_MILLISECONDS = 30_000

/** The only place that turns a refusal into an error stanza. */
export class Router {
  readonly #routes: Routes
  readonly #pending: PendingIqs
  readonly #clock: Clock
  readonly #log: Log
  readonly #storageFailures: Rarely
  #waiting = 0

  constructor(routes: Routes, pending: PendingIqs, clock: Clock, log: Log) {
    this.#routes = routes
    this.#pending = pending
    this.#clock = clock
    this.#log = log
    this.#storageFailures = new Rarely(clock, (count, error) =>
      log.error('stanzas refused, since storage fails', { count, error }),
    )
  }

  /** True while a handler of some stanza waits for something. */
  get busy(): boolean {
    return this.#waiting > 0
  }

  /** Begins the way of a stanza. Never throws: a refusal is the sender's to hear, a bug is ours to log. */
  route(event: RoutedStanza): Maybe<void> {
    try {
      const walked = this.#walk(event)
      if (isPending(walked)) return this.#await(event, walked)
      this.#watch(event)
      return undefined
    } catch (error) {
      this.#refuse(event, error)
      return undefined
    }
  }

  /** Answers `stanza` with an error, as if a handler had thrown it. */
  refuse(stanza: Stanza, origin: Origin, error: StanzaError): void {
    if (stanza.type === 'error' || stanza.type === 'result') return
    origin.send(errorReply(stanza, error.toElement(), error.payload))
  }

  /**
   * True if the stanza was the answer to a request of ours, and has been
   * given to whoever waits for it. Sessions ask before they queue a stanza.
   */
  takesAnswer(stanza: Stanza, from: Jid, to: Jid): boolean {
    if (stanza.name !== 'iq' || (stanza.type !== 'result' && stanza.type !== 'error')) return false
    return this.#pending.settle(stanza, from, to)
  }

  #walk(event: RoutedStanza): Maybe<void> {
    const { stanza, from, to } = event
    checkIq(stanza)
    if (this.takesAnswer(stanza, from, to)) return undefined
    if (event.origin.kind !== 'client') return this.#arrive(event)
    const sender = this.#routes.host(event.from.domain)
    const verdict = sender?.outgoing(event)
    if (isPending(verdict)) return verdict.then((result) => (result === handled ? undefined : this.#arrive(event)))
    return verdict === handled ? undefined : this.#arrive(event)
  }

  #arrive(event: RoutedStanza): Maybe<void> {
    const host = this.#routes.host(event.to.domain)
    const verdict = host === undefined ? this.#routes.remote(event) : host.incoming(event)
    return isPending(verdict) ? verdict.then((result) => requireHandled(event, result)) : requireHandled(event, verdict)
  }

  async #await(event: RoutedStanza, walked: Promise<void>): Promise<void> {
    const late = Promise.withResolvers<void>()
    const timer = this.#clock.after(DEADLINE_MILLISECONDS, () => {
      event.isGivenUp = true
      late.reject(new Error('stanza handler too slow'))
    })
    this.#waiting++
    try {
      await Promise.race([walked, late.promise])
      this.#watch(event)
    } catch (error) {
      this.#refuse(event, error)
    } finally {
      this.#waiting--
      timer[Symbol.dispose]()
    }
  }

  /** The stanza has gone its way, but part of it may still fail. */
  #watch(event: RoutedStanza): void {
    event.essential?.catch((error: unknown) => this.#refuse(event, error))
  }

  #refuse({ stanza, origin, from, to }: RoutedStanza, cause: unknown): void {
    if (cause instanceof StanzaError) {
      this.refuse(stanza, origin, cause)
      return
    }
    if (cause instanceof StorageError) {
      this.#storageFailures.failed(cause)
      this.refuse(stanza, origin, new StanzaError(conditionOf(cause), undefined, { type: 'wait', cause }))
      return
    }
    this.#log.error('stanza handler failed', { jid: from.full, peer: to.full, stanza: headOf(stanza), error: cause })
    this.refuse(stanza, origin, new StanzaError('internal-server-error', undefined, { type: 'wait', cause }))
  }
}

/** Whoever sends slower may have more luck. */
function conditionOf({ reason }: StorageError): StanzaCondition {
  return reason === 'overloaded' ? 'resource-constraint' : 'internal-server-error'
}

/** What a stanza is, without what it says. */
function headOf({ name, type = '', refs }: Stanza): string {
  const children = refs.slice(0, SHOWN_CHILDREN).map((ref) => `{${ref.ns}}${ref.name}`)
  return `${name} ${type} ${children.join(' ')}${refs.length > SHOWN_CHILDREN ? ' …' : ''}`
}
const SHOWN_CHILDREN = 5

/** A stanza that nobody has handled is answered, unless it is an answer itself (RFC 6120 §8.4). */
function requireHandled({ stanza }: RoutedStanza, verdict: Handled | undefined): void {
  if (verdict === undefined && stanza.type !== 'error' && stanza.type !== 'result') {
    throw new StanzaError('service-unavailable')
  }
}

const IQ_TYPES: ReadonlySet<string | undefined> = new Set(['get', 'set', 'result', 'error'])

/** What every iq must have, whoever it is for (RFC 6120 §8.2.3). */
function checkIq({ name, id, type, refs }: Stanza): void {
  if (name !== 'iq') return
  if (id === undefined) throw new StanzaError('bad-request', 'An iq needs an id')
  if (!IQ_TYPES.has(type)) throw new StanzaError('bad-request', 'An iq is of type get, set, result or error')
  if ((type === 'get' || type === 'set') && refs.length !== 1) {
    throw new StanzaError('bad-request', 'A request has exactly one child')
  }
}

/**
 * Whoever speaks for the server itself: a host, a room. What is sent back to
 * it, a refusal or an answer, arrives like any other stanza.
 */
export class LocalOrigin implements Origin {
  readonly kind = 'local'
  readonly jid: Jid
  readonly #arrive: (answer: Stanza, origin: LocalOrigin) => void

  constructor(jid: Jid, arrive: (answer: Stanza, origin: LocalOrigin) => void) {
    this.jid = jid
    this.#arrive = arrive
  }

  send(answer: Stanza): boolean {
    this.#arrive(answer, this)
    return true
  }
}
