/** Where clients come in: listeners, limits on who may connect, TLS, and a stream for each connection. */
import type { Socket } from 'node:net'
import type { ServerOptions } from './config/server-options.ts'
import type { Log } from './log/log.ts'
import { Admission } from './net/admission.ts'
import { isLoopback } from './net/address.ts'
import type { HttpServer } from './net/http-server.ts'
import { listen, type ListenAddress } from './net/listeners.ts'
import { Stream, type StreamLimits, type StreamSurroundings } from './stream/stream.ts'
import { TcpTransport } from './stream/tcp-transport.ts'
import type { TlsAcceptor } from './stream/tls.ts'
import type { Transport } from './stream/transport.ts'
import type { Clock } from './util/clock.ts'
import type { Turn } from './util/turn.ts'
import { clientLimits, strangerLimits } from './xml/limits.ts'

/** What a listener is for. */
export type Entrance = keyof ServerOptions['listen']

interface Listening extends AsyncDisposable {
  readonly address: string
  readonly port: number | undefined
}

export class Front {
  readonly turn: Turn
  readonly #around: StreamSurroundings
  readonly #tls: TlsAcceptor
  readonly #http: HttpServer
  readonly #log: Log
  readonly #admission: Admission
  readonly #open = new Map<string, { readonly entrance: Entrance; readonly listening: Listening }>()
  readonly #streams = new Set<Stream>()

  constructor(parts: {
    around: StreamSurroundings
    turn: Turn
    tls: TlsAcceptor
    http: HttpServer
    clock: Clock
    log: Log
    options: ServerOptions['c2s']
  }) {
    this.#around = parts.around
    this.turn = parts.turn
    this.#tls = parts.tls
    this.#http = parts.http
    this.#log = parts.log
    const { max_connections_per_address: atOnce, connections_per_second_per_address: perSecond } = parts.options
    this.#admission = new Admission({ atOnce, perSecond }, parts.clock)
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

  /** Throws ListenError. */
  async open(entrance: Entrance, address: ListenAddress): Promise<void> {
    const take = { c2s: this.#plain, c2s_tls: this.#direct, http: this.#web }[entrance]
    const listening = await listen(address, `listen: ${entrance}`, (socket) => this.#admit(socket, take))
    this.#open.set(keyOf(entrance, address), { entrance, listening })
  }

  /** Stops listening; connections go on. */
  async close(entrance: Entrance, address: ListenAddress): Promise<void> {
    const key = keyOf(entrance, address)
    const open = this.#open.get(key)
    this.#open.delete(key)
    await open?.listening[Symbol.asyncDispose]()
  }

  /** Stops listening everywhere, without waiting for connections to end. */
  closeAll(): void {
    for (const { listening } of this.#open.values()) void listening[Symbol.asyncDispose]()
    this.#open.clear()
  }

  /** Begins a stream over a wire. */
  accept(transport: Transport): void {
    const stream = new Stream(transport, this.#around, (ended) => this.#streams.delete(ended))
    this.#streams.add(stream)
  }

  #admit(socket: Socket, take: (socket: Socket) => void): void {
    const { remoteAddress: address } = socket
    // A connection that is gone again before we looked, and those of this machine, are not counted.
    if (address !== undefined && !isLoopback(address)) {
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

  readonly #plain = (socket: Socket): void => this.accept(new TcpTransport(socket, this.turn, this.#tls))

  readonly #direct = (socket: Socket): void => {
    // What breaks during the handshake closes as well.
    socket.on('error', () => {})
    this.#tls.secure(socket).then(
      (secured) => this.accept(new TcpTransport(secured, this.turn, undefined, secured)),
      (error: unknown) => this.#log.debug('tls handshake failed', { peer: socket.remoteAddress, error }),
    )
  }

  readonly #web = (socket: Socket): void => this.#http.take(socket)
}

function keyOf(entrance: Entrance, address: ListenAddress): string {
  return `${entrance} ${JSON.stringify(address)}`
}

/** The limits of streams, as the configuration names them. */
export function limitsOf(options: ServerOptions['c2s']): StreamLimits {
  return {
    beforeLogin: { ...strangerLimits, stanzaBytes: options.pre_auth_stanza_size },
    afterLogin: { ...clientLimits, stanzaBytes: options.stanza_size },
    loginSeconds: options.auth_timeout,
    closeSeconds: options.close_timeout,
    backlogBytes: options.backlog_size,
    bytes: options.rate === Infinity ? undefined : { perSecond: options.rate, burst: options.burst },
  }
}
