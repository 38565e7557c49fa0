/** A TCP or Unix socket as a transport: plain, or with TLS after STARTTLS or from the start. */
import type { Socket } from 'node:net'
import { addressOf, isLoopback } from '../net/address.ts'
import type { Flushable, Turn } from '../util/turn.ts'
import type { TlsAcceptor } from './tls.ts'
import { nobody, type SecureChannel, type Transport, type TransportListener } from './transport.ts'

export class TcpTransport implements Transport, Flushable {
  readonly kind = 'tcp'
  readonly address: string
  readonly local: boolean
  readonly forwarded = false
  listener: TransportListener = nobody
  #socket: Socket
  #secure: SecureChannel | undefined
  readonly #turn: Turn
  readonly #tls: TlsAcceptor | undefined
  #text = ''
  #ended = false
  #closed = false

  /** `tls` lets the wire turn to TLS later. */
  constructor(socket: Socket, turn: Turn, tls: TlsAcceptor | undefined) {
    this.address = addressOf(socket)
    this.local = this.address === '' || isLoopback(this.address)
    this.#turn = turn
    this.#tls = tls
    this.#socket = socket
    this.#secure = undefined
    this.#listen()
  }

  get encrypted(): boolean {
    return this.#secure !== undefined
  }

  get secure(): SecureChannel | undefined {
    return this.#secure
  }

  get canStartTls(): boolean {
    return this.#tls !== undefined && this.#secure === undefined
  }

  get backlog(): number {
    return this.#socket.writableLength + this.#text.length
  }

  write(text: string): void {
    if (this.#ended) return
    if (this.#text === '') this.#turn.atEnd(this)
    this.#text += text
  }

  flush(): void {
    const text = this.#text
    if (text === '' || this.#closed) return
    this.#text = ''
    this.#socket.write(text, 'utf8')
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  end(): void {
    if (this.#ended) return
    this.flush()
    this.#ended = true
    this.#socket.end()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  async startTls(domain: string | undefined): Promise<void> {
    if (this.#tls === undefined) throw new Error('no certificate for TLS')
    this.flush()
    const plain = this.#socket
    // Others listen as well, who count connections.
    plain.off('data', this.#onData).off('end', this.#onEnd).off('close', this.#onClose)
    plain.pause()
    try {
      const channel = await this.#tls.secure(plain, domain)
      this.#secure = channel
      this.#socket = channel.socket
      this.#listen()
    } catch (error) {
      this.#gone()
      throw error
    }
  }

  #listen(): void {
    const socket = this.#socket
    socket.on('data', this.#onData).on('end', this.#onEnd).on('close', this.#onClose)
    // A wire that breaks closes as well; there is nothing else to do about it.
    socket.on('error', ignore)
    // Whoever is about to listen must hear of it.
    if (socket.destroyed) queueMicrotask(() => this.#gone())
  }

  readonly #onData = (bytes: Buffer): void => this.listener.onBytes(bytes)
  readonly #onEnd = (): void => this.listener.onWireEnd()
  readonly #onClose = (): void => this.#gone()

  #gone(): void {
    if (this.#closed) return
    this.#closed = true
    this.#ended = true
    this.listener.onWireClosed()
  }
}

function ignore(): void {}
