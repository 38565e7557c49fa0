/** One XML stream with a peer: header, features, restarts, errors, closing (RFC 6120 §4, RFC 7395 §3). */
import type { Jid } from '../jid/jid.ts'
import type { Log } from '../log/log.ts'
import type { Clock } from '../util/clock.ts'
import { isPending, type Maybe } from '../util/maybe.ts'
import { TokenBucket, type Rate } from '../util/token-bucket.ts'
import { Element } from '../xml/element.ts'
import { NS } from '../xml/ns.ts'
import type { ScannerLimits } from '../xml/limits.ts'
import { Scanner, type ScannerListener } from '../xml/scanner.ts'
import { XmlError } from '../xml/xml-error.ts'
import { Stanza } from '../xml/stanza.ts'
import { type Framing, tcpFraming, webSocketFraming } from './framing.ts'
import { StreamError } from './stream-error.ts'
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
  readonly clock: Clock
  readonly log: Log
  streamId(): string
  mustEncrypt(transport: Transport): boolean
  readonly limits: StreamLimits
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

type State = 'opening' | 'open' | 'closing' | 'closed'

export class Stream implements TransportListener, ScannerListener {
  readonly transport: Transport
  readonly facts = new Set<StreamFact>()
  /** Given by the kernel before authentication, changed by nothing afterwards. */
  host: StreamHost | undefined
  /** The account that has logged in; with a resource once one is bound. */
  identity: Jid | undefined
  lang: string | undefined
  /** `from` of the peer's header: who it says that it is, before it has proved it. */
  claimed: string | undefined
  /** Milliseconds of the clock when something was last read. */
  heardAt: number
  #user: StreamUser | undefined
  readonly #around: StreamSurroundings
  readonly #framing: Framing
  readonly #bucket: TokenBucket | undefined
  readonly #scanner: Scanner
  #state: State = 'opening'
  #headerSent = false
  #holds = 0
  #timer: Disposable
  readonly #ended: (stream: Stream) => void

  constructor(transport: Transport, around: StreamSurroundings, ended: (stream: Stream) => void) {
    this.transport = transport
    this.#around = around
    this.#ended = ended
    const { clock, limits } = around
    this.#framing = transport.kind === 'websocket' ? webSocketFraming : tcpFraming
    this.heardAt = clock.now()
    this.#bucket = limits.bytes === undefined ? undefined : new TokenBucket(limits.bytes, this.heardAt)
    this.#scanner = new Scanner(this, {
      framing: transport.kind === 'websocket' ? 'frame' : 'stream',
      limits: limits.beforeLogin,
    })
    this.#timer = clock.after(limits.loginSeconds * 1000, () =>
      this.close(new StreamError('connection-timeout', 'Login took too long')),
    )
    if (transport.secure !== undefined) this.facts.add('secure')
    transport.listener = this
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

  /** Turns the wire to TLS after `proceed` has been sent; nothing that came before it counts afterwards (RFC 6120 §5.4.3.3). */
  async startTls(proceed: Element): Promise<void> {
    if (this.#scanner.pending) throw new StreamError('policy-violation', 'Nothing may follow <starttls/>')
    this.send(proceed)
    this.#begin()
    try {
      await this.transport.startTls()
    } catch (error) {
      // The peer has broken off or does not speak TLS; there is nobody left to tell.
      this.#around.log.debug('tls handshake failed', { peer: this.transport.address, error })
      return
    }
    this.facts.add('secure')
  }

  /** The peer is now known as `identity`; it opens its stream anew (RFC 6120 §6.4.6). */
  authenticate(identity: Jid): void {
    this.identity = identity
    this.facts.add('authenticated')
    this.#scanner.limits = this.limits
    this.#begin()
  }

  /** A resource is bound: from now on `user` takes the stanzas. The time for logging in has not run out. */
  bind(identity: Jid, user: StreamUser): void {
    this.identity = identity
    this.#user = user
    this.facts.add('bound')
    this.#timer[Symbol.dispose]()
  }

  /** Offers features anew without a new header, as after SASL2 (XEP-0388 §2.6). */
  offerFeatures(): void {
    this.transport.write(this.#framing.streamElement('features', this.host?.features(this) ?? []))
  }

  pause(): void {
    if (this.#holds++ > 0) return
    this.#scanner.suspend()
    this.transport.pause()
  }

  resume(): void {
    if (--this.#holds > 0 || this.#state === 'closed') return
    this.#attempt(() => this.#scanner.resume())
    if (this.#holds === 0) this.transport.resume()
  }

  /** Says why, if there is a reason, closes our direction and waits a little for the peer to close the other one (RFC 6120 §4.4). */
  close(error?: StreamError): void {
    if (this.closed) return
    if (!this.#headerSent) this.#sendHeader(undefined)
    if (error !== undefined) this.transport.write(this.#framing.streamElement('error', error.children))
    this.transport.write(this.#framing.close())
    this.#state = 'closing'
    this.#timer[Symbol.dispose]()
    this.#timer = this.#around.clock.after(this.#around.limits.closeSeconds * 1000, () => this.transport.destroy())
    // After an error the peer has nothing to say that we would hear.
    if (error === undefined) return
    this.transport.end()
  }

  onBytes(bytes: Buffer): void {
    if (this.#state === 'closed') return
    this.#heard(bytes.length)
    this.#attempt(() => this.#scanner.write(bytes))
  }

  onFrame(text: string): void {
    if (this.#state === 'closed') return
    this.#heard(text.length)
    this.#attempt(() => this.#scanner.writeText(text))
  }

  onWireEnd(): void {
    this.close()
    this.transport.end()
  }

  onWireClosed(): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#timer[Symbol.dispose]()
    this.host?.closed(this)
    this.#ended(this)
  }

  onOpen(header: Element): void {
    if (this.closed) return
    this.lang = header.attrs['xml:lang'] ?? this.lang
    this.claimed = header.attrs['from']
    const to = header.attrs['to']
    const host = to === undefined ? undefined : this.#around.host(to)
    this.#sendHeader(host ?? this.host)
    if (to === undefined) throw new StreamError('improper-addressing', 'The stream header has no "to"')
    if (host === undefined) throw new StreamError('host-unknown', 'This server does not serve that domain')
    // Whoever has logged in to one domain is nobody in another (CVE-2018-10847).
    if (this.host !== undefined && this.host !== host)
      throw new StreamError('not-authorized', 'Another domain than before')
    this.host = host
    const [major] = (header.attrs['version'] ?? '0.9').split('.')
    if (!/^0*[1-9]\d*$/.test(major ?? '')) throw new StreamError('unsupported-version', 'Version 1.0 is needed')
    this.#state = 'open'
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
    // A stream error of the peer: it has closed, and nothing of it needs an answer (RFC 6120 §4.9.1.1).
    if (element.ns === NS.stream && element.name === 'error') return
    this.#wait(() => {
      const taken = host.nonza(this, element)
      if (taken === undefined) throw new StreamError('unsupported-stanza-type', `Unknown element ${element.name}`)
      return taken.done
    })
  }

  onClose(): void {
    this.close()
    this.transport.end()
  }

  /** Expects a new stream from the peer, of which nothing is known but what the facts say. */
  #begin(): void {
    this.#headerSent = false
    this.#state = 'opening'
    this.#scanner.restart()
  }

  #heard(amount: number): void {
    this.heardAt = this.#around.clock.now()
    const wait = this.#bucket?.take(amount, this.heardAt) ?? 0
    if (wait === 0) return
    this.pause()
    this.#around.clock.after(wait, () => this.resume())
  }

  #sendHeader(host: StreamHost | undefined): void {
    this.#headerSent = true
    const header = { from: host?.domain, to: this.claimed, id: this.#around.streamId(), lang: this.lang ?? 'en' }
    this.transport.write(this.#framing.open(header))
    if (this.#state === 'opening') this.#state = 'open'
  }

  /** Runs what may wait; meanwhile nothing more is read. */
  #wait(run: () => Maybe<void>): void {
    const done = run()
    if (!isPending(done)) return
    this.pause()
    done.then(
      () => this.resume(),
      (error: unknown) => {
        this.#fail(error)
        this.resume()
      },
    )
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
