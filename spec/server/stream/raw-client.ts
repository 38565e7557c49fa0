/** A client that says what it is told to, byte by byte, and shows what comes back. */
import net, { type NetConnectOpts, type Socket } from 'node:net'
import tls, { type ConnectionOptions, type TLSSocket } from 'node:tls'
import { once } from 'node:events'

const WAIT_MILLISECONDS = 10_000

export class RawClient {
  #socket: Socket
  #text = ''
  #isClosed = false
  #changed = Promise.withResolvers<void>()

  private constructor(socket: Socket) {
    this.#socket = socket
    this.#listen(socket)
  }

  static async connect(where: NetConnectOpts): Promise<RawClient> {
    const socket = net.connect(where)
    await once(socket, 'connect')
    socket.setNoDelay()
    return new RawClient(socket)
  }

  /** Certificates are not verified. Rejects if the handshake fails. */
  static async connectTls(where: ConnectionOptions): Promise<RawClient> {
    const socket = tls.connect({ rejectUnauthorized: false, ...where })
    await once(socket, 'secureConnect')
    return new RawClient(socket)
  }

  /** Goes on with TLS on the same connection. Rejects if the handshake fails. */
  async startTls(options: ConnectionOptions = {}): Promise<TLSSocket> {
    this.#socket.removeAllListeners('data').removeAllListeners('close')
    const secured = tls.connect({ rejectUnauthorized: false, ...options, socket: this.#socket })
    await once(secured, 'secureConnect')
    this.#socket = secured
    this.#listen(secured)
    return secured
  }

  get socket(): Socket {
    return this.#socket
  }

  send(data: string | Uint8Array): void {
    this.#socket.write(data)
  }

  /** What was received and not taken, up to the end of the first match. Rejects if the connection ends without one. */
  async until(pattern: string | RegExp): Promise<string> {
    for (;;) {
      const found = typeof pattern === 'string' ? endOf(this.#text, pattern) : endOfMatch(this.#text, pattern)
      if (found !== undefined) {
        const taken = this.#text.slice(0, found)
        this.#text = this.#text.slice(found)
        return taken
      }
      if (this.#isClosed) throw new Error(`closed without ${String(pattern)}: ${this.#text}`)
      await this.#change(String(pattern))
    }
  }

  /** All that comes until the connection has ended. */
  async rest(): Promise<string> {
    while (!this.#isClosed) await this.#change('the end')
    return this.#text
  }

  end(): void {
    this.#socket.end()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  async #change(awaited: string): Promise<void> {
    const { promise, reject } = Promise.withResolvers<never>()
    const timer = setTimeout(() => reject(new Error(`no ${awaited}: ${this.#text}`)), WAIT_MILLISECONDS)
    try {
      await Promise.race([this.#changed.promise, promise])
    } finally {
      clearTimeout(timer)
    }
  }

  #listen(socket: Socket): void {
    socket.on('data', (bytes) => {
      this.#text += bytes.toString()
      this.#notify()
    })
    socket.on('close', () => {
      this.#isClosed = true
      this.#notify()
    })
    socket.on('error', () => {})
  }

  #notify(): void {
    this.#changed.resolve()
    this.#changed = Promise.withResolvers()
  }
}

export const NS_STREAM = 'http://etherx.jabber.org/streams'

/** A stream header as clients send it. */
export const header = (to: string, attributes = "version='1.0'"): string =>
  `<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='${NS_STREAM}' to='${to}' ${attributes}>`

/** The base64 of a text, for SASL. */
export const base64 = (text: string): string => Buffer.from(text).toString('base64')

/** PLAIN, as it is sent. */
export const plainAuth = (node: string, password: string, authzid = ''): string =>
  `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${base64(`${authzid}\0${node}\0${password}`)}</auth>`

export const bind = (resource: string): string =>
  `<iq type='set' id='bind'><bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>${resource}</resource></bind></iq>`

function endOf(text: string, part: string): number | undefined {
  const at = text.indexOf(part)
  return at === -1 ? undefined : at + part.length
}

function endOfMatch(text: string, pattern: RegExp): number | undefined {
  const match = pattern.exec(text)
  return match === null ? undefined : match.index + match[0].length
}
