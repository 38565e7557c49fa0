import { connect, type NetConnectOpts, type Socket } from 'node:net'

/** A client that writes XML and waits for what matches. */
export class Wire {
  readonly #socket: Socket
  #text = ''
  #isClosed = false
  #wake = (): void => {}

  /** To a port of this machine, or a unix socket. */
  constructor(endpoint: number | NetConnectOpts) {
    this.#socket = connect(typeof endpoint === 'number' ? { port: endpoint, host: '127.0.0.1' } : endpoint)
    this.#socket.setEncoding('utf8')
    this.#socket.on('data', (chunk: string) => {
      this.#text += chunk
      this.#wake()
    })
    this.#socket.on('error', () => {})
    this.#socket.once('close', () => {
      this.#isClosed = true
      this.#wake()
    })
  }

  write(xml: string): void {
    this.#socket.write(xml)
  }

  /** What came up to the first match, which is taken out. */
  async until(pattern: RegExp): Promise<string> {
    for (;;) {
      const match = pattern.exec(this.#text)
      if (match !== null) {
        const end = match.index + match[0].length
        const taken = this.#text.slice(0, end)
        this.#text = this.#text.slice(end)
        return taken
      }
      if (this.#isClosed) throw new Error(`closed before ${pattern}: ${this.#text}`)
      await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }

  /** Opens a stream; gives the features. */
  async open(from?: string, to = 'localhost'): Promise<string> {
    const claimed = from === undefined ? '' : ` from='${from}'`
    this.write(
      `<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' to='${to}'${claimed} version='1.0'>`,
    )
    return this.until(/<\/stream:features>/)
  }

  /** Logs in with PLAIN, and binds that resource; the rest of the stream begins behind it. */
  async enter(user: string, password: string, resource: string, domain?: string): Promise<void> {
    await this.authenticate(user, password, domain)
    const bind = `<bind xmlns='urn:ietf:params:xml:ns:xmpp-bind'><resource>${resource}</resource></bind>`
    this.write(`<iq type='set' id='bind'>${bind}</iq>`)
    await this.until(/id='bind'.*<\/iq>/)
  }

  /** Logs in with PLAIN; what comes next is binding or resuming. */
  async authenticate(user: string, password: string, domain?: string): Promise<void> {
    await this.open(undefined, domain)
    const plain = Buffer.from(`\0${user}\0${password}`).toString('base64')
    this.write(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${plain}</auth>`)
    await this.until(/<success[^>]*>/)
    await this.open(undefined, domain)
  }

  /** Turns stream management on; gives the id to resume with (XEP-0198 §3). */
  async manage(): Promise<string> {
    this.write(`<enable xmlns='urn:xmpp:sm:3' resume='true'/>`)
    const enabled = await this.until(/<enabled[^>]*>/)
    return /id='([^']+)'/.exec(enabled)?.[1] ?? ''
  }

  /** What has come so far and nobody has taken. */
  get rest(): string {
    return this.#text
  }

  /** Takes nothing more from the wire. */
  stopReading(): void {
    this.#socket.pause()
  }

  drop(): void {
    this.#socket.destroy()
  }
}
