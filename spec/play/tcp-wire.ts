/** Streams over TCP, with TLS from the start, after STARTTLS, or not at all (RFC 6120 §4, §5; XEP-0368). */
import net, { type Socket } from 'node:net'
import tls from 'node:tls'
import { NS } from './namespaces.ts'
import { happens, headerAttributes, type Wire, type WireListener, type WireOptions } from './wire.ts'
import { XmlReader } from './xml-reader.ts'

/** A port, or the path of a unix socket. */
export type TcpEndpoint = { readonly host: string; readonly port: number } | { readonly path: string }

/** Rejects if nobody answers in time. */
export async function connectTcp(
  endpoint: TcpEndpoint,
  security: 'plain' | 'tls',
  options: WireOptions,
  listener: WireListener,
): Promise<Wire> {
  const socket = net.connect(endpoint)
  try {
    await happens(socket, 'connect', options.timeoutSeconds)
    socket.setNoDelay()
    const wire = new TcpWire(socket, options, listener)
    if (security === 'tls') await wire.startTls()
    return wire
  } catch (error) {
    socket.destroy()
    throw error
  }
}

class TcpWire implements Wire {
  readonly #listener: WireListener
  readonly #options: WireOptions
  #socket: Socket
  #read: (bytes: Buffer) => void = () => undefined
  #isGone = false

  constructor(socket: Socket, options: WireOptions, listener: WireListener) {
    this.#socket = socket
    this.#options = options
    this.#listener = listener
    this.#listen()
  }

  openStream(domain: string): void {
    this.#read = this.#newReader()
    this.#write(
      `<?xml version='1.0'?><stream:stream xmlns='${NS.client}' xmlns:stream='${NS.stream}' ${headerAttributes(domain)}>`,
    )
  }

  send(element: string): void {
    this.#write(element)
  }

  sendRaw(bytes: Uint8Array): void {
    this.#write(bytes)
  }

  closeStream(): void {
    this.#write('</stream:stream>')
  }

  async startTls(): Promise<void> {
    // From here on the bytes are those of TLS.
    for (const event of ['data', 'error', 'close']) this.#socket.removeAllListeners(event)
    const { domain, certificate, timeoutSeconds } = this.#options
    const secured = tls.connect({
      socket: this.#socket,
      ...certificate,
      rejectUnauthorized: false,
      ALPNProtocols: ['xmpp-client'],
      ...(net.isIP(domain) === 0 ? { servername: domain } : {}),
    })
    await happens(secured, 'secureConnect', timeoutSeconds)
    this.#socket = secured
    this.#listen()
  }

  tlsExporter(): Buffer | undefined {
    const socket = this.#socket
    if (!(socket instanceof tls.TLSSocket)) return undefined
    return socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0))
  }

  end(): void {
    this.#socket.end()
  }

  destroy(): void {
    this.#gone(undefined)
  }

  #write(data: string | Uint8Array): void {
    if (this.#socket.writable) this.#socket.write(data)
  }

  #listen(): void {
    this.#socket.on('data', (bytes) => this.#take(bytes))
    this.#socket.on('error', (error) => this.#gone(error.message))
    this.#socket.on('close', () => this.#gone(undefined))
  }

  #take(bytes: Buffer): void {
    try {
      this.#read(bytes)
    } catch (error) {
      if (!(error instanceof Error)) throw error
      this.#gone(`what the server sends is not acceptable: ${error.message}`)
    }
  }

  /** Throws what `XmlReader` throws, and `TypeError` if the bytes are not UTF-8. */
  #newReader(): (bytes: Buffer) => void {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
    const listener = this.#listener
    const reader = new XmlReader('stream', {
      onOpen: (root) => listener.onOpen(root),
      onElement: (element) => listener.onElement(element),
      onClose: () => listener.onClose(),
    })
    return (bytes) => reader.write(decoder.decode(bytes, { stream: true }))
  }

  #gone(fault: string | undefined): void {
    if (this.#isGone) return
    this.#isGone = true
    this.#socket.destroy()
    this.#listener.onGone(fault)
  }
}
