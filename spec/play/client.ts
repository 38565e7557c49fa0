/** A character's client: small, strict, and silent unless the play makes it speak. */
import { Connection, type ConnectionOptions, type Ending } from './connection.ts'
import { authenticate, bind } from './login.ts'
import { NS } from './namespaces.ts'
import type { Character } from './script.ts'
import { childOf, type XmlNode } from './xml-node.ts'

/** One connection after another, of one character. */
export class Client {
  readonly #character: Character
  readonly #options: ConnectionOptions
  #connection: Connection | undefined
  #fullJid: string | undefined

  constructor(character: Character, options: ConnectionOptions) {
    this.#character = character
    this.#options = options
  }

  /** The JID of the latest login, also after its end. */
  get fullJid(): string | undefined {
    return this.#fullJid
  }

  /** What the server did to the latest connection. */
  get ending(): Ending | undefined {
    return this.#connection?.ending
  }

  /** True until the latest connection has ended, on whatever side. */
  get isConnected(): boolean {
    return this.#connection?.isOpen ?? false
  }

  /** True if there was ever a connection. */
  get hasConnected(): boolean {
    return this.#connection !== undefined
  }

  /** Opens a stream, or opens it again on the same connection; its features are then received. */
  async open(): Promise<void> {
    const connection = this.isConnected ? this.#unbound : await this.#newConnection()
    connection.inbox.put(await connection.openStream())
  }

  /** Opens a stream unless there is one, and logs in; the features of the new stream are then received. */
  async authenticate(): Promise<void> {
    const connection = await this.#authenticated()
    connection.inbox.put(connection.features)
  }

  /** All of it: opens a stream, logs in, binds; whatever of this was done already is not done again. */
  async connect(): Promise<void> {
    const connection = await this.#authenticated()
    this.#fullJid = await bind(connection, connection.features, this.#character.resource)
    connection.isBound = true
    connection.inbox.takeAll()
  }

  send(element: string): void {
    if (this.isConnected) this.#current.wire.send(element)
  }

  sendRaw(bytes: Uint8Array): void {
    if (this.isConnected) this.#current.wire.sendRaw(bytes)
  }

  /** The next thing received, as `Inbox.next`. */
  next(deadline: number): Promise<XmlNode | undefined> {
    return this.#current.inbox.next(deadline)
  }

  /** Everything received that nobody has looked at. */
  takeAll(): readonly XmlNode[] {
    return this.#current.inbox.takeAll()
  }

  /** Closes the stream and waits for the server to close it too. Rejects if it does not. */
  async disconnect(): Promise<void> {
    if (this.isConnected) await this.#current.leave()
  }

  /** Lets go of the connection without a word. */
  drop(): void {
    this.#connection?.drop()
  }

  /** Resolves when the server has ended the connection, and the connection is gone. Rejects if that takes too long. */
  endedByServer(): Promise<Ending> {
    return this.#current.endedByServer()
  }

  get #current(): Connection {
    if (this.#connection === undefined) throw new Error('has never connected')
    return this.#connection
  }

  /** The current connection, as long as one can still log in on it. */
  get #unbound(): Connection {
    if (this.#current.isBound) throw new Error('is connected already')
    return this.#current
  }

  async #newConnection(): Promise<Connection> {
    this.#connection = await Connection.open(this.#character, this.#options)
    return this.#connection
  }

  async #authenticated(): Promise<Connection> {
    const isNew = !this.isConnected
    const connection = isNew ? await this.#newConnection() : this.#unbound
    if (isNew) await connection.openStream()
    connection.inbox.takeAll()
    const { features } = connection
    if (childOf(features, 'bind', NS.bind) !== undefined) return connection
    const { node, password, mechanism } = this.#character
    const credentials = {
      username: node ?? '',
      password: password ?? '',
      tlsExporter: () => connection.wire.tlsExporter(),
    }
    await authenticate(connection, features, credentials, mechanism ?? (node === undefined ? 'ANONYMOUS' : undefined))
    await connection.openStream()
    return connection
  }
}
