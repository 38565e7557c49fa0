/** A WebSocket as a transport: each frame is one element (RFC 7395 §3.3). */
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import type { WebPeer } from '../net/web-peer.ts'
import type { Flushable, Turn } from '../util/turn.ts'
import { nobody, type SecureChannel, type Transport, type TransportListener } from './transport.ts'

/** RFC 6455 §7.4.1. */
const NORMAL_CLOSURE = 1000
const UNSUPPORTED_DATA = 1003

/** What a frame costs beyond its payload: a frame of nothing is not free. */
const FRAME_BYTES = 8

export class WebSocketTransport implements Transport, Flushable {
  readonly kind = 'websocket'
  readonly address: string
  readonly local: boolean
  readonly forwarded: boolean
  readonly encrypted: boolean
  readonly secure: SecureChannel | undefined
  readonly canStartTls = false
  listener: TransportListener = nobody
  readonly #socket: WebSocket
  readonly #wire: Duplex
  readonly #turn: Turn
  #frames: string[] = []
  #waiting = 0

  /** `wire` is what carries the WebSocket: it is corked while the frames of a turn are written. */
  constructor(socket: WebSocket, wire: Duplex, peer: WebPeer, turn: Turn) {
    this.#socket = socket
    this.#wire = wire
    this.#turn = turn
    this.address = peer.address
    this.local = peer.local
    this.forwarded = peer.forwarded
    this.encrypted = peer.encrypted
    this.secure = peer.secure
    socket.on('message', (data, isBinary) => this.#onMessage(data, isBinary))
    // The library answers, and ends a peer that does not read the answers.
    socket.on('ping', (data) => this.listener.onIdleBytes(data.length + FRAME_BYTES))
    socket.on('pong', (data) => this.listener.onIdleBytes(data.length + FRAME_BYTES))
    socket.on('close', () => this.listener.onWireClosed())
    // What breaks closes as well.
    socket.on('error', () => {})
  }

  get backlog(): number {
    return this.#socket.bufferedAmount + this.#waiting
  }

  write(frame: string): void {
    this.#waiting += frame.length
    if (this.#frames.push(frame) === 1) this.#turn.atEnd(this)
  }

  flush(): void {
    const frames = this.#frames
    if (frames.length === 0) return
    this.#frames = []
    this.#waiting = 0
    if (this.#socket.readyState !== this.#socket.OPEN) return
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
    this.#socket.close(NORMAL_CLOSURE)
  }

  destroy(): void {
    this.#socket.terminate()
  }

  startTls(): Promise<void> {
    return Promise.reject(new Error('a WebSocket is secured by the http server'))
  }

  #onMessage(data: WebSocket.RawData, isBinary: boolean): void {
    // Only text frames carry XMPP (RFC 7395 §3.2); the library gives their payload as one Buffer.
    if (isBinary || !Buffer.isBuffer(data)) {
      this.#socket.close(UNSUPPORTED_DATA)
      return
    }
    this.listener.onIdleBytes(FRAME_BYTES)
    this.listener.onFrame(data.toString())
  }
}
