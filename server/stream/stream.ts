/** One XML stream with a peer: header, features, restarts, errors, closing (RFC 6120 §4, RFC 7395 §3, XEP-0114 §3). */
import type { Jid } from '../jid/jid.ts'
import type { Log } from '../log/log.ts'
import type { Clock } from '../util/clock.ts'
import { isPending, type Maybe } from '../util/maybe.ts'
import { own } from '../util/own.ts'
import type { Rate } from '../util/token-bucket.ts'
import type { Element } from '../xml/element.ts'
import { NS } from '../xml/ns.ts'
import type { ScannerLimits } from '../xml/limits.ts'
import { Scanner, type ScannerListener } from '../xml/scanner.ts'
import { XmlError } from '../xml/xml-error.ts'
import { Stanza } from '../xml/stanza.ts'
import type { Dialect } from './dialect.ts'
import type { Framing } from './framing.ts'
import { StreamError } from './stream-error.ts'
import { type Held, Throttle } from './throttle.ts'
import type { Transport, TransportListener } from './transport.ts'

/** What a stream has come to. Facts accumulate; features need and forbid them. */
export type StreamFact = 'secure' | 'authenticated' | 'bound'

/** Where the elements of a stream go: a domain of ours, as a stream sees it. */
export interface StreamHost {
  readonly domain: string
  /** The children of `<stream:features/>` at this point. */
  features(stream: Stream): readonly Element[]
  /** Takes an element that is no stanza; undefined means that nobody knows it. */
  nonza(stream: Stream, element: Element): { readonly done: Maybe<void> } | undefined
  /** Takes a stanza sent before a resource is bound. */
  earlyStanza(stream: Stream, stanza: Stanza): Maybe<void>
  closed(stream: Stream): void
}

/** Who takes the stanzas of a stream once a resource is bound. */
export interface StreamUser {
  receive(stanza: Stanza): void
}

export interface StreamSurroundings {
  host(domain: string): StreamHost | undefined
  /** What we call ourselves to those who want nobody whom we know (RFC 6120 §4.9.1.2). */
  ownDomain(): string | undefined
  readonly clock: Clock
  readonly log: Log
  streamId(): string
  mustEncrypt(transport: Transport): boolean
  readonly limits: StreamLimits
  readonly dialect: Dialect
}

export interface StreamLimits {
  readonly beforeLogin: ScannerLimits
  readonly afterLogin: ScannerLimits
  /** From the connection to a bound resource. */
  readonly loginSeconds: number
  /** From our closing tag to the peer's. */
  readonly closeSeconds: number
  /** Bytes that may wait for a slow reader. */
  readonly backlogBytes: number
  readonly bytes: Rate | undefined
}

/** Sets of facts, by the sum of their bits; there are few, and streams share them. */
const BIT: Readonly<Record<StreamFact, number>> = { secure: 1, authenticated: 2, bound: 4 }
const FACT_SETS: readonly ReadonlySet<StreamFact>[] = Array.from(
  { length: 8 },
  (_, bits) => new Set((['secure', 'authenticated', 'bound'] as const).filter((fact) => (bits & BIT[fact]) !== 0)),
)
const NO_FACTS: ReadonlySet<StreamFact> = new Set()

/** 1.0 or later (RFC 6120 §4.7.5). */
const VERSION = /^0*[1-9]\d*(?:\.\d+)?$/

/** The longest language tag that anyone needs (RFC 5646 §4.4.1 asks for 35). */
const LANG_CHARS = 64

/** No address is longer (RFC 7622 §3.1). */
const JID_CHARS = 3071

/** `securing`: the wire belongs to TLS, and nothing can be said. `closing`: we have said our last word. */
type State = 'opening' | 'open' | 'securing' | 'closing' | 'closed'

export class Stream implements TransportListener, ScannerListener, Held {
  readonly transport: Transport
  /** Given by the kernel before authentication, changed by nothing afterwards. */
  host: StreamHost | undefined = undefined
  /** The account that has logged in; with a resource once one is bound. */
  identity: Jid | undefined = undefined
  lang: string | undefined = undefined
  /** `from` of the peer's header: who it says that it is, before it has proved it. */
  claimed: string | undefined = undefined
  /** Of our last header; '' before there was one. */
  id = ''
  /** Milliseconds of the clock when something was last read. */
  heardAt: number
  /** True if the peer has closed the stream, before we did, and was not cut off. */
  hasGoodbye = false
  #factBits = 0
  #user: StreamUser | undefined = undefined
  readonly #around: StreamSurroundings
  readonly #framing: Framing
  readonly #scanner: Scanner
  #state: State = 'opening'
  #headerSent = false
  readonly #throttle: Throttle | undefined
  #pauses = 0
  #holds = 0
  #timer: Disposable | undefined
  readonly #ended: (stream: Stream) => void

  constructor(transport: Transport, around: StreamSurroundings, ended: (stream: Stream) => void) {
    this.transport = transport
    this.#around = around
    this.#ended = ended
    const { clock, limits, dialect } = around
    this.#framing = dialect.framing(transport.kind)
    this.heardAt = clock.now()
    this.#throttle = limits.bytes && new Throttle(limits.bytes, clock, this)
    this.#scanner = new Scanner(this, {
      framing: transport.kind === 'tcp' ? 'stream' : 'frame',
      limits: limits.beforeLogin,
      contentNamespaces: [dialect.ns],
    })
    this.#timer = clock.after(limits.loginSeconds * 1000, () =>
      this.close(new StreamError('connection-timeout', 'Login took too long')),
    )
    if (transport.encrypted) this.#note('secure')
    transport.listener = this
  }

  get facts(): ReadonlySet<StreamFact> {
    return FACT_SETS[this.#factBits] ?? NO_FACTS
  }

  /** True if nothing secret may be said yet (RFC 6120 §5.3.1; peers on this machine are exempt unless configured). */
  get needsTls(): boolean {
    return !this.facts.has('secure') && this.#around.mustEncrypt(this.transport)
  }

  /** What the peer may send just now (XEP-0478). */
  get limits(): ScannerLimits {
    const { beforeLogin, afterLogin } = this.#around.limits
    return this.facts.has('authenticated') ? afterLogin : beforeLogin
  }

  get closed(): boolean {
    return this.#state === 'closing' || this.#state === 'closed'
  }

  /** Sends a stanza or another child of the stream; false if it is too late for that. */
  send(item: Stanza | Element): boolean {
    if (this.#state !== 'open') return false
    this.transport.write(item instanceof Stanza ? this.#framing.stanza(item) : this.#framing.nonza(item))
    if (this.transport.backlog > this.#around.limits.backlogBytes) this.#dropSlowReader()
    return true
  }

  /** Turns the wire to TLS before anything is said (XEP-0368 §3). */
  async secure(): Promise<void> {
    if (this.closed) return
    this.#state = 'securing'
    try {
      await this.transport.startTls(this.host?.domain)
    } catch (error) {
      // The peer has broken off or does not speak TLS; there is nobody left to tell.
      this.#around.log.debug('tls handshake failed', { peer: this.transport.address, error })
      return
    }
    if (this.closed) return
    this.#state = 'opening'
    this.#note('secure')
  }

  /** Turns the wire to TLS after `proceed` has been sent; nothing that came before it counts afterwards (RFC 6120 §5.4.3.3). */
  async startTls(proceed: Element): Promise<void> {
    if (this.#scanner.pending) throw new StreamError('policy-violation', 'Nothing may follow <starttls/>')
    this.send(proceed)
    this.#begin()
    await this.secure()
  }

  /** The peer is now known as `identity`; it opens its stream anew (RFC 6120 §6.4.6). */
  authenticate(identity: Jid): void {
    this.identify(identity)
    this.#begin()
  }

  /** The same, and the stream goes on as it is (XEP-0388 §2.6.1). */
  identify(identity: Jid): void {
    this.identity = identity
    this.#note('authenticated')
    this.#scanner.limits = this.limits
  }

  /** A resource is bound: from now on `user` takes the stanzas. The time for logging in has not run out. */
  bind(identity: Jid, user: StreamUser): void {
    this.identity = identity
    this.#user = user
    this.#note('bound')
    if (!this.closed) this.#setTimer(undefined)
    // The peer has gone while its resource was being prepared: whoever has prepared it must hear of that, too.
    if (this.#state === 'closed') queueMicrotask(() => this.host?.closed(this))
  }

  /** Offers features anew without a new header, as after SASL2 (XEP-0388 §2.6). */
  offerFeatures(): void {
    this.transport.write(this.#framing.streamElement('features', this.host?.features(this) ?? []))
  }

  /** No further element is taken until `resume` was called as often. */
  pause(): void {
    if (this.#pauses++ > 0) return
    this.#scanner.suspend()
    this.hold()
  }

  resume(): void {
    if (--this.#pauses > 0 || this.#state === 'closed') return
    this.#attempt(() => this.#scanner.resume())
    // If what was waiting has paused the stream again, that is a hold of its own.
    this.release()
  }

  /** Nothing more is read from the wire until `release` was called as often; what was read goes on. */
  hold(): void {
    if (this.#holds++ === 0) this.transport.pause()
  }

  release(): void {
    if (--this.#holds === 0) this.transport.resume()
  }

  /** Says why, if there is a reason, closes our direction and waits a little for the peer to close the other one (RFC 6120 §4.4). */
  close(error?: StreamError): void {
    if (this.closed) return
    if (this.#state === 'securing') {
      this.#setTimer(undefined)
      this.#state = 'closing'
      this.transport.destroy()
      return
    }
    if (!this.#headerSent) this.#sendHeader(this.host)
    if (error !== undefined) this.transport.write(this.#framing.streamElement('error', error.children))
    this.transport.write(this.#framing.close())
    this.#state = 'closing'
    this.#setTimer(this.#around.clock.after(this.#around.limits.closeSeconds * 1000, () => this.transport.destroy()))
    // After an error the peer has nothing to say that we would hear.
    if (error !== undefined) this.transport.end()
  }

  onBytes(bytes: Buffer): void {
    if (this.#state === 'closed') return
    this.heardAt = this.#around.clock.now()
    try {
      this.#scanner.write(bytes)
    } catch (error) {
      this.#fail(error)
    }
    this.#throttle?.count(bytes.length, this.heardAt)
  }

  onFrame(text: string): void {
    if (this.#state === 'closed') return
    this.heardAt = this.#around.clock.now()
    this.#attempt(() => this.#scanner.writeText(text))
    this.#throttle?.count(text.length, this.heardAt)
  }

  onIdleBytes(count: number): void {
    this.heardAt = this.#around.clock.now()
    this.#throttle?.count(count, this.heardAt)
  }

  onWireEnd(): void {
    this.close()
    this.transport.end()
  }

  onWireClosed(): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#setTimer(undefined)
    this.#throttle?.[Symbol.dispose]()
    this.host?.closed(this)
    this.#ended(this)
  }

  onOpen(header: Element): void {
    if (this.closed) return
    const { to, from, version = '0.9', 'xml:lang': lang } = header.attrs
    // It will be written on every stanza, so that a long one would make much of little.
    if (lang !== undefined && lang.length <= LANG_CHARS) this.lang = own(lang)
    if (from !== undefined && from.length <= JID_CHARS) this.claimed = own(from)
    const host = to === undefined ? undefined : this.#around.host(to)
    this.#sendHeader(host ?? this.host)
    if (to === undefined) throw new StreamError('improper-addressing', 'The stream header has no "to"')
    if (host === undefined) throw new StreamError('host-unknown', 'This server does not serve that domain')
    // Whoever has logged in to one domain is nobody in another (CVE-2018-10847).
    if (this.host !== undefined && this.host !== host)
      throw new StreamError('not-authorized', 'Another domain than before')
    this.host = host
    if (!this.#around.dialect.hasFeatures) return
    if (!VERSION.test(version)) throw new StreamError('unsupported-version', 'Version 1.0 is needed')
    this.offerFeatures()
  }

  onStanza(stanza: Stanza): void {
    const { host } = this
    if (this.closed || host === undefined) return
    if (this.#user !== undefined) this.#user.receive(stanza)
    else this.#wait(() => host.earlyStanza(this, stanza))
  }

  onNonza(element: Element): void {
    const { host } = this
    if (this.closed || host === undefined) return
    // The peer has met an error, and nothing more can be said (RFC 6120 §4.9.1.1).
    if (element.ns === NS.stream && element.name === 'error') {
      this.onWireEnd()
      return
    }
    this.#wait(() => {
      const taken = host.nonza(this, element)
      if (taken === undefined) throw new StreamError('unsupported-stanza-type', `Unknown element ${element.name}`)
      return taken.done
    })
  }

  onClose(): void {
    // What answers our own closing tag is no wish to end the session.
    if (!this.closed) this.hasGoodbye = true
    this.onWireEnd()
  }

  /** Expects a new stream from the peer, of which nothing is known but what the facts say. */
  #begin(): void {
    // Whoever has gone while it was found out who he is does not come back.
    if (this.closed) return
    this.#headerSent = false
    this.#state = 'opening'
    this.#scanner.restart()
  }

  #note(fact: StreamFact): void {
    this.#factBits |= BIT[fact]
  }

  #sendHeader(host: StreamHost | undefined): void {
    this.#headerSent = true
    // The bare JID, if the peer has said who it is (RFC 6120 §4.7.2).
    const to = this.claimed?.split('/', 1)[0]
    const from = host?.domain ?? this.#around.ownDomain()
    this.id = this.#around.streamId()
    this.transport.write(this.#framing.open({ from, to, id: this.id, lang: this.lang ?? 'en' }))
    if (this.#state === 'opening') this.#state = 'open'
  }

  #setTimer(timer: Disposable | undefined): void {
    this.#timer?.[Symbol.dispose]()
    this.#timer = timer
  }

  /** Runs what may wait; meanwhile nothing more is read. */
  #wait(run: () => Maybe<void>): void {
    const done = run()
    if (!isPending(done)) return
    this.pause()
    void done.catch((error: unknown) => this.#fail(error)).then(() => this.resume())
  }

  #attempt(run: () => void): void {
    try {
      run()
    } catch (error) {
      this.#fail(error)
    }
  }

  #fail(error: unknown): void {
    if (error instanceof StreamError) this.close(error)
    else if (error instanceof XmlError) this.close(new StreamError(error.condition, error.message))
    else {
      this.#around.log.error('stream handler failed', { error })
      this.close(new StreamError('internal-server-error'))
    }
  }

  /** A peer that does not read what it is sent must not fill our memory. */
  #dropSlowReader(): void {
    this.#around.log.info('slow reader dropped', { jid: this.identity?.full, bytes: this.transport.backlog })
    this.close(new StreamError('resource-constraint', 'Too much is waiting to be read'))
    this.transport.destroy()
  }
}
