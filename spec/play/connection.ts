/** One connection of a client, and the stream on it, up to the features; how it may end. */
import { Inbox } from './inbox.ts'
import { askForTls, conditionOf, type Conversation, LoginError } from './login.ts'
import { NS } from './namespaces.ts'
import type { Character, TransportName } from './script.ts'
import { connectTcp, type TcpEndpoint } from './tcp-wire.ts'
import { connectBosh } from './bosh-wire.ts'
import { connectWebSocket } from './websocket-wire.ts'
import type { Wire, WireListener, WireOptions } from './wire.ts'
import { print, type XmlNode } from './xml-node.ts'

/** Where a server listens; what is absent it does not offer. */
export interface ServerAddress {
  /** For TCP and STARTTLS. */
  readonly tcp?: TcpEndpoint
  /** For TLS from the start. */
  readonly tls?: TcpEndpoint
  readonly webSocketUrl?: string
  readonly boshUrl?: string
}

/** How a connection has come to its end, if the client did not end it. */
export type Ending =
  | { readonly kind: 'stream error'; readonly condition: string | undefined; readonly error: XmlNode }
  | { readonly kind: 'closed' }
  | { readonly kind: 'broken'; readonly fault: string }

export interface ConnectionOptions {
  readonly address: ServerAddress
  readonly transport: TransportName
  readonly timeoutSeconds: number
  readonly certificate: WireOptions['certificate']
  /** Called once for each connection that the server ends. */
  readonly onEnding: () => void
}

/** In words, for a report. */
export function describeEnding(ending: Ending): string {
  if (ending.kind === 'closed') return 'the server has closed the stream'
  if (ending.kind === 'broken') return ending.fault
  return `stream error: ${print(ending.error)}`
}

/** One connection, and the stream on it. */
export class Connection implements Conversation {
  readonly wire: Wire
  readonly inbox: Inbox
  /** There is a resource: nothing is left to be negotiated. */
  isBound = false
  readonly #character: Character
  readonly #options: ConnectionOptions
  readonly #state: ConnectionState
  #features: XmlNode | undefined

  private constructor(wire: Wire, character: Character, options: ConnectionOptions, state: ConnectionState) {
    this.wire = wire
    this.#character = character
    this.#options = options
    this.#state = state
    this.inbox = state.inbox
  }

  static async open(character: Character, options: ConnectionOptions): Promise<Connection> {
    const state = new ConnectionState(options.onEnding)
    const wire = await connectWire(character, options, state)
    state.onReply = () => wire.closeStream()
    return new Connection(wire, character, options, state)
  }

  get ending(): Ending | undefined {
    return this.#state.ending
  }

  get isOpen(): boolean {
    return !this.#state.isOver
  }

  /** Of the latest stream. */
  get features(): XmlNode {
    if (this.#features === undefined) throw new LoginError('no stream is open')
    return this.#features
  }

  /** Sends a stream header and waits for the features; with STARTTLS, for those that come after it. */
  async openStream(): Promise<XmlNode> {
    this.inbox.takeAll()
    const features = await this.#header()
    const mustSecure = this.#options.transport === 'starttls' && this.wire.tlsExporter() === undefined
    if (mustSecure) {
      await askForTls(this, features)
      await this.wire.startTls()
    }
    this.#features = mustSecure ? await this.#header() : features
    return this.#features
  }

  send(element: string): void {
    this.wire.send(element)
  }

  async next(): Promise<XmlNode> {
    const element = await this.inbox.next(performance.now() + this.#options.timeoutSeconds * 1_000)
    if (element !== undefined) return element
    const ending = this.ending
    if (ending === undefined) throw new LoginError('the server does not answer')
    throw new LoginError(describeEnding(ending), ending.kind === 'stream error' ? ending.condition : undefined)
  }

  async leave(): Promise<void> {
    const { timeoutSeconds } = this.#options
    this.#state.isLeaving = true
    this.wire.closeStream()
    try {
      await within(timeoutSeconds, 'the server does not close the stream', this.#state.closed)
      this.wire.end()
      await within(timeoutSeconds, 'the server does not close the connection', this.#state.gone)
    } finally {
      this.wire.destroy()
    }
  }

  drop(): void {
    this.#state.isLeaving = true
    this.wire.destroy()
  }

  async endedByServer(): Promise<Ending> {
    await within(this.#options.timeoutSeconds, 'the server does not end the connection', this.#state.gone)
    const ending = this.#state.ending
    if (ending === undefined) throw new Error('the connection was not ended by the server')
    return ending
  }

  async #header(): Promise<XmlNode> {
    this.#state.header = undefined
    this.wire.openStream(this.#character.domain)
    const features = await this.next()
    if (features.name !== 'features' || features.ns !== NS.stream) {
      throw new LoginError(`expected the features of the stream, but received ${print(features)}`)
    }
    checkHeader(this.#state.header, this.#character.domain)
    return features
  }
}

/** What the server has done, told by the wire. */
class ConnectionState implements WireListener {
  readonly inbox = new Inbox()
  header: XmlNode | undefined
  ending: Ending | undefined
  /** Says what a client says when the server closes the stream first. */
  onReply: () => void = () => undefined
  /** The client has said goodbye: how the server does so is its affair. */
  isLeaving = false
  readonly #onEnding: () => void
  readonly #closed = Promise.withResolvers<void>()
  readonly #gone = Promise.withResolvers<void>()
  #isGone = false

  constructor(onEnding: () => void) {
    this.#onEnding = onEnding
  }

  /** The server has closed the stream, or the connection is gone. */
  get closed(): Promise<void> {
    return this.#closed.promise
  }

  get gone(): Promise<void> {
    return this.#gone.promise
  }

  /** Nothing more can be said. */
  get isOver(): boolean {
    return this.#isGone || this.isLeaving || this.ending !== undefined
  }

  onOpen(header: XmlNode): void {
    this.header = header
  }

  onElement(element: XmlNode): void {
    const isError = element.name === 'error' && element.ns === NS.stream
    if (!isError) return this.inbox.put(element)
    this.#end({ kind: 'stream error', condition: conditionOf(element, NS.streamErrors), error: element })
  }

  onClose(): void {
    if (!this.isLeaving) this.onReply()
    this.#end({ kind: 'closed' })
    this.#closed.resolve()
  }

  onGone(fault: string | undefined): void {
    this.#isGone = true
    this.#end({ kind: 'broken', fault: fault ?? 'the connection ended, but the stream was not closed' })
    this.#closed.resolve()
    this.#gone.resolve()
  }

  #end(ending: Ending): void {
    this.inbox.close()
    if (this.isLeaving || this.ending !== undefined) return
    this.ending = ending
    this.#onEnding()
  }
}

async function connectWire(character: Character, options: ConnectionOptions, listener: WireListener): Promise<Wire> {
  const { address, transport, certificate, timeoutSeconds } = options
  const wireOptions = { domain: character.domain, certificate, timeoutSeconds }
  if (transport === 'websocket') {
    if (address.webSocketUrl === undefined) throw new LoginError('this server was given no address for WebSocket')
    return connectWebSocket(address.webSocketUrl, wireOptions, listener)
  }
  if (transport === 'bosh') {
    if (address.boshUrl === undefined) throw new LoginError('this server was given no address for BOSH')
    return connectBosh(address.boshUrl, listener)
  }
  const endpoint = transport === 'tls' ? address.tls : address.tcp
  if (endpoint === undefined) throw new LoginError(`this server was given no address for ${transport}`)
  const security = transport === 'tls' ? 'tls' : 'plain'
  return connectTcp(ownEndpoint(character, endpoint), security, wireOptions, listener)
}

/** `connect_host` and `connect_port` come before what the whole run says. */
function ownEndpoint({ host, port }: Character, endpoint: TcpEndpoint): TcpEndpoint {
  if (host === undefined && port === undefined) return endpoint
  if ('path' in endpoint) return { host: host ?? 'localhost', port: port ?? 5222 }
  return { host: host ?? endpoint.host, port: port ?? endpoint.port }
}

/** RFC 6120 §4.7, RFC 7395 §3.4. */
function checkHeader(header: XmlNode | undefined, domain: string): void {
  const fault = header === undefined ? 'there is none' : faultOf(header, domain)
  if (fault !== undefined) throw new LoginError(`the stream header of the server: ${fault}`)
}

function faultOf({ name, ns, attributes }: XmlNode, domain: string): string | undefined {
  const isHeader = (name === 'stream' && ns === NS.stream) || (name === 'open' && ns === NS.framing)
  if (!isHeader) return `is <${name} xmlns='${ns}'>`
  if (attributes.get('version') !== '1.0') return 'has no version 1.0'
  if ((attributes.get('id') ?? '') === '') return 'has no id'
  if (attributes.get('from') !== domain) return `is from ${attributes.get('from') ?? 'nobody'}, not from ${domain}`
  return undefined
}

async function within<T>(seconds: number, problem: string, promise: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(new LoginError(problem)), seconds * 1_000)
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}
