/** Where clients and components come in: listeners, limits on who may connect, TLS, and a stream for each connection. */
import type { Socket } from 'node:net'
import type { ServerOptions } from './config/server-options.ts'
import type { Log } from './log/log.ts'
import { Admission, type AdmissionLimits } from './net/admission.ts'
import { addressOf, isLoopback } from './net/address.ts'
import type { HttpServer } from './net/http-server.ts'
import { listen, type ListenAddress } from './net/listeners.ts'
import { clientDialect, componentDialect } from './stream/dialect.ts'
import { StreamError } from './stream/stream-error.ts'
import { Stream, type StreamHost, type StreamLimits, type StreamSurroundings } from './stream/stream.ts'
import { TcpTransport } from './stream/tcp-transport.ts'
import type { TlsAcceptor } from './stream/tls.ts'
import type { Transport } from './stream/transport.ts'
import type { Clock } from './util/clock.ts'
import type { Turn } from './util/turn.ts'
import { clientLimits, strangerLimits } from './xml/limits.ts'

/** What a listener is for. */
export type Entrance = keyof ServerOptions['listen']

/** All that streams of one kind have in common; a reload changes the limits. */
type Surroundings = StreamSurroundings & { limits: StreamLimits }

type FrontOptions = Pick<ServerOptions, 'c2s' | 'components'>

interface Listening extends Disposable {
  readonly address: string
  readonly port: number | undefined
}

/** How long a web client may take to say anything, and to finish its TLS handshake. */
const WEB_MILLISECONDS = 10_000

/** The first byte of TLS: that of a handshake record (RFC 8446 §5.1). No request of http begins with it. */
const HANDSHAKE_BYTE = 0x16

export class Front {
  readonly turn: Turn
  readonly #clients: Surroundings
  readonly #components: Surroundings
  readonly #tls: TlsAcceptor
  readonly #webTls: TlsAcceptor
  readonly #http: HttpServer
  readonly #clock: Clock
  readonly #log: Log
  readonly #admission: Admission
  readonly #open = new Map<string, { readonly entrance: Entrance; readonly listening: Listening }>()
  readonly #streams = new Set<Stream>()
  /** What those count as that come through a proxy. */
  readonly #places = new WeakMap<Stream, Disposable>()
  /** Those of the web that have not got as far as the http server. */
  readonly #arriving = new Set<Socket>()
  #isClosed = false
  #emptied: PromiseWithResolvers<void> | undefined

  constructor(parts: {
    around: Omit<StreamSurroundings, 'limits' | 'dialect' | 'host'>
    /** A host of that kind. */
    host(domain: string, kind: 'local' | 'component'): StreamHost | undefined
    turn: Turn
    tls: TlsAcceptor
    http: HttpServer
    clock: Clock
    log: Log
    options: FrontOptions
  }) {
    const { c2s, components } = parts.options
    const common = { ...parts.around, limits: limitsOf(c2s) }
    this.#clients = { ...common, dialect: clientDialect, host: (domain) => parts.host(domain, 'local') }
    this.#components = {
      ...common,
      dialect: componentDialect,
      host: (domain) => parts.host(domain, 'component'),
      limits: limitsOf({ ...c2s, ...components }),
    }
    this.turn = parts.turn
    this.#tls = parts.tls
    this.#webTls = parts.tls.forWeb()
    this.#http = parts.http
    this.#clock = parts.clock
    this.#log = parts.log
    this.#admission = new Admission(admissionLimitsOf(c2s), parts.clock)
  }

  /** Other limits, for those who come and, as far as they are not set for good, for those who are here. */
  limit({ c2s, components }: FrontOptions): void {
    this.#clients.limits = limitsOf(c2s)
    this.#components.limits = limitsOf({ ...c2s, ...components })
    this.#admission.limits = admissionLimitsOf(c2s)
  }

  /** Where we listen: what for, and the port that was given if any was free to choose. */
  get listeners(): readonly {
    readonly entrance: Entrance
    readonly address: string
    readonly port: number | undefined
  }[] {
    return [...this.#open.values()].map(({ entrance, listening: { address, port } }) => ({ entrance, address, port }))
  }

  get streams(): ReadonlySet<Stream> {
    return this.#streams
  }

  /** Resolves when there is no stream. */
  async emptied(): Promise<void> {
    if (this.#streams.size === 0) return
    this.#emptied ??= Promise.withResolvers()
    await this.#emptied.promise
  }

  /** Throws ListenError. */
  async open(entrance: Entrance, address: ListenAddress): Promise<void> {
    const take = { c2s: this.#plain, c2s_tls: this.#direct, http: this.#web, component: this.#component }[entrance]
    const listening = await listen(
      address,
      `listen: ${entrance}`,
      (socket) => this.#admit(socket, take),
      (error) => this.#log.warn('connection not accepted', { error }),
    )
    this.#open.set(keyOf(entrance, address), { entrance, listening })
  }

  isOpen(entrance: Entrance, address: ListenAddress): boolean {
    return this.#open.has(keyOf(entrance, address))
  }

  /** Stops listening; connections go on. */
  close(entrance: Entrance, address: ListenAddress): void {
    const key = keyOf(entrance, address)
    const open = this.#open.get(key)
    this.#open.delete(key)
    open?.listening[Symbol.dispose]()
  }

  /** Lets nobody in any more, without waiting for connections to end. */
  closeAll(): void {
    this.#isClosed = true
    for (const { listening } of this.#open.values()) listening[Symbol.dispose]()
    this.#open.clear()
    for (const socket of this.#arriving) socket.destroy()
  }

  /** Begins the stream of a client over a wire. */
  accept(transport: Transport): void {
    const stream = this.#begin(transport)
    if (this.#isClosed) stream.close(new StreamError('system-shutdown'))
    // Whoever comes through a proxy is counted only now: before, all seemed to have its address.
    else if (transport.forwarded && !transport.local) this.#admitForwarded(stream)
  }

  #begin(transport: Transport, around = this.#clients): Stream {
    const stream = new Stream(transport, around, this.#ended)
    this.#streams.add(stream)
    return stream
  }

  readonly #ended = (stream: Stream): void => {
    this.#streams.delete(stream)
    this.#places.get(stream)?.[Symbol.dispose]()
    if (this.#streams.size > 0) return
    this.#emptied?.resolve()
    this.#emptied = undefined
  }

  #admitForwarded(stream: Stream): void {
    const place = this.#admission.enter(stream.transport.address)
    if (place !== undefined) this.#places.set(stream, place)
    else stream.close(new StreamError('policy-violation', 'Too many connections from your address'))
  }

  #admit(socket: Socket, take: (socket: Socket) => void): void {
    const address = addressOf(socket)
    // A connection that is gone again before we looked, and those of this machine, are not counted.
    if (address !== '' && !isLoopback(address)) {
      const place = this.#admission.enter(address)
      if (place === undefined) {
        this.#log.debug('connection refused', { peer: address })
        socket.destroy()
        return
      }
      socket.once('close', () => place[Symbol.dispose]())
    }
    take(socket)
  }

  readonly #plain = (socket: Socket): void => void this.#begin(new TcpTransport(socket, this.turn, this.#tls))

  readonly #direct = (socket: Socket): void => void this.#begin(new TcpTransport(socket, this.turn, this.#tls)).secure()

  readonly #component = (socket: Socket): void =>
    void this.#begin(new TcpTransport(socket, this.turn, undefined), this.#components)

  /** Web clients may speak TLS or not: their first byte says which. */
  readonly #web = (socket: Socket): void => {
    const timer = this.#clock.after(WEB_MILLISECONDS, () => socket.destroy())
    const settled = (): void => {
      timer[Symbol.dispose]()
      this.#arriving.delete(socket)
    }
    this.#arriving.add(socket)
    // What breaks closes as well.
    socket.on('error', () => {})
    socket.once('close', settled)
    socket.once('data', (chunk) => {
      socket.pause()
      socket.unshift(chunk)
      if (chunk[0] !== HANDSHAKE_BYTE) {
        settled()
        this.#http.take(socket)
        socket.resume()
        return
      }
      this.#webTls.secure(socket, undefined).then(
        (channel) => {
          settled()
          this.#http.take(channel.socket)
        },
        (error: unknown) => this.#log.debug('tls handshake failed', { peer: addressOf(socket), error }),
      )
    })
  }
}

function keyOf(entrance: Entrance, address: ListenAddress): string {
  return `${entrance} ${JSON.stringify(address)}`
}

function admissionLimitsOf(options: ServerOptions['c2s']): AdmissionLimits {
  return { atOnce: options.max_connections_per_address, perSecond: options.connections_per_second_per_address }
}

/** The limits of streams, as the configuration names them. */
function limitsOf(options: ServerOptions['c2s']): StreamLimits {
  return {
    beforeLogin: { ...strangerLimits, stanzaBytes: options.pre_auth_stanza_size },
    afterLogin: { ...clientLimits, stanzaBytes: options.stanza_size },
    loginSeconds: options.auth_timeout,
    closeSeconds: options.close_timeout,
    backlogBytes: options.backlog_size,
    bytes: options.rate === Infinity ? undefined : { perSecond: options.rate, burst: options.burst },
  }
}
