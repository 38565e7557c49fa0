/** A TCP or Unix socket as a transport: plain, with direct TLS, or with STARTTLS. */
import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'
import type { Flushable, Turn } from '../util/turn.ts'
import { isLoopback } from '../net/address.ts'
import { channelOf, type TlsAcceptor } from './tls.ts'
import type { SecureChannel, Transport, TransportListener } from './transport.ts'

/** Where a socket's data goes until somebody listens. */
const nobody: TransportListener = { onBytes() {}, onFrame() {}, onWireEnd() {}, onWireClosed() {} }

export class TcpTransport implements Transport, Flushable {
  readonly kind = 'tcp'
  readonly address: string
  readonly local: boolean
  listener: TransportListener = nobody
  #socket: Socket
  #secure: SecureChannel | undefined
  readonly #turn: Turn
  readonly #tls: TlsAcceptor | undefined
  #text = ''
  #ended = false
  #closed = false

  /** `tls` lets a plain wire turn to TLS later; `secure` is given if the socket speaks TLS already. */
  constructor(socket: Socket, turn: Turn, tls: TlsAcceptor | undefined, secure?: TLSSocket) {
    this.address = socket.remoteAddress ?? ''
    this.local = socket.remoteAddress === undefined || isLoopback(socket.remoteAddress)
    this.#turn = turn
    this.#tls = tls
    this.#socket = secure ?? socket
    this.#secure = secure === undefined ? undefined : channelOf(secure)
    this.#listen()
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
    if (this.#text === '' || this.#closed) return
    const text = this.#text
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

  async startTls(): Promise<void> {
    if (this.#tls === undefined) throw new Error('no certificate for TLS')
    this.flush()
    const plain = this.#socket
    plain.removeAllListeners('data').removeAllListeners('end').removeAllListeners('close')
    plain.pause()
    try {
      const secured = await this.#tls.secure(plain)
      this.#socket = secured
      this.#secure = channelOf(secured)
      this.#listen()
    } catch (error) {
      this.#gone()
      throw error
    }
  }

  #listen(): void {
    const socket = this.#socket
    socket.on('data', (bytes) => this.listener.onBytes(bytes))
    socket.on('end', () => this.listener.onWireEnd())
    socket.on('close', () => this.#gone())
    // A wire that breaks closes as well; there is nothing else to do about it.
    socket.on('error', () => {})
    if (socket.destroyed) this.#gone()
  }

  #gone(): void {
    if (this.#closed) return
    this.#closed = true
    this.#ended = true
    this.listener.onWireClosed()
  }
}
