/** A client that says what it is told to over WebSocket, frame by frame, and keeps what comes back. */
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { type ClientOptions, type RawData, WebSocket } from 'ws'
import { plainAuth } from './raw-client.ts'

export const OPEN = "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='localhost' version='1.0'/>"

/** Romeo's login. */
export const PLAIN = (password: string): string => plainAuth('romeo', password)

export class WebClient {
  readonly socket: WebSocket
  /** What is under the frames. */
  wire: Socket | undefined
  readonly #frames: string[] = []
  #changed = Promise.withResolvers<void>()
  #code: number | undefined

  private constructor(socket: WebSocket) {
    this.socket = socket
    socket.on('message', (data: RawData) => {
      this.#frames.push((data as Buffer).toString())
      this.#notify()
    })
    socket.on('close', (code) => {
      this.#code = code
      this.#notify()
    })
    socket.on('error', () => {})
  }

  static async connect(url: string, options: ClientOptions = {}): Promise<WebClient> {
    const socket = new WebSocket(url, ['xmpp'], options)
    const client = new WebClient(socket)
    socket.on('upgrade', (response) => {
      client.wire = response.socket
    })
    await once(socket, 'open')
    return client
  }

  /** All frames up to the first that matches. */
  async until(pattern: RegExp): Promise<string> {
    for (;;) {
      const at = this.#frames.findIndex((frame) => pattern.test(frame))
      if (at !== -1) return this.#frames.splice(0, at + 1).join('\n')
      if (this.#code !== undefined) throw new Error(`closed with ${this.#code}: ${this.#frames.join('\n')}`)
      await this.#changed.promise
    }
  }

  /** The code with which it was closed, and what came before. */
  async closed(): Promise<{ readonly code: number; readonly text: string }> {
    while (this.#code === undefined) await this.#changed.promise
    return { code: this.#code, text: this.#frames.join('\n') }
  }

  async logIn(): Promise<void> {
    this.socket.send(OPEN)
    await this.until(/features/)
    this.socket.send(PLAIN('password'))
    await this.until(/<success/)
    this.socket.send(OPEN)
    await this.until(/features/)
    this.socket.send(
      "<iq xmlns='jabber:client' type='set' id='b'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'/></iq>",
    )
    await this.until(/id='b'/)
  }

  #notify(): void {
    this.#changed.resolve()
    this.#changed = Promise.withResolvers()
  }
}
