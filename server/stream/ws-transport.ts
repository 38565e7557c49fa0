/** A WebSocket as a transport: each frame is one element (RFC 7395 §3.3). */
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import type { Flushable, Turn } from '../util/turn.ts'
import type { SecureChannel, Transport, TransportListener } from './transport.ts'

const nobody: TransportListener = { onBytes() {}, onFrame() {}, onWireEnd() {}, onWireClosed() {} }

export interface WebSocketPeer {
  readonly address: string
  readonly local: boolean
  readonly secure: SecureChannel | undefined
}

export class WebSocketTransport implements Transport, Flushable {
  readonly kind = 'websocket'
  readonly address: string
  readonly local: boolean
  readonly secure: SecureChannel | undefined
  readonly canStartTls = false
  listener: TransportListener = nobody
  readonly #socket: WebSocket
  readonly #wire: Duplex
  readonly #turn: Turn
  #frames: string[] = []

  /** `wire` is what carries the WebSocket: it is corked while the frames of a turn are written. */
  constructor(socket: WebSocket, wire: Duplex, peer: WebSocketPeer, turn: Turn) {
    this.#socket = socket
    this.#wire = wire
    this.#turn = turn
    this.address = peer.address
    this.local = peer.local
    this.secure = peer.secure
    socket.on('message', (data, isBinary) => this.#onMessage(data, isBinary))
    socket.on('close', () => this.listener.onWireClosed())
    // What breaks closes as well.
    socket.on('error', () => {})
  }

  get backlog(): number {
    return this.#socket.bufferedAmount
  }

  write(frame: string): void {
    if (this.#frames.push(frame) === 1) this.#turn.atEnd(this)
  }

  flush(): void {
    if (this.#frames.length === 0 || this.#socket.readyState !== this.#socket.OPEN) return
    const frames = this.#frames
    this.#frames = []
    this.#wire.cork()
    for (const frame of frames) this.#socket.send(frame)
    this.#wire.uncork()
  }

  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  end(): void {
    this.flush()
    this.#socket.close()
  }

  async startTls(): Promise<void> {
    throw new Error('a WebSocket is secured by the http server')
  }

  destroy(): void {
    this.#socket.terminate()
  }

  #onMessage(data: WebSocket.RawData, isBinary: boolean): void {
    // Only text frames carry XMPP (RFC 7395 §3.2); 1003 is "unsupported data" (RFC 6455 §7.4.1).
    if (isBinary) this.#socket.close(1003)
    else this.listener.onFrame(String(data))
  }
}
