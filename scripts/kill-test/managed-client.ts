/** A client with stream management that knows what it owes and what it is owed, over many connections (XEP-0198). */
import { connectTcp, type TcpEndpoint } from '../../spec/play/tcp-wire.ts'
import type { Wire } from '../../spec/play/wire.ts'
import { print, type XmlNode } from '../../spec/play/xml-node.ts'

const NS = {
  sasl: 'urn:ietf:params:xml:ns:xmpp-sasl',
  bind: 'urn:ietf:params:xml:ns:xmpp-bind',
  sm: 'urn:xmpp:sm:3',
}

export interface Person {
  readonly node: string
  readonly domain: string
  readonly resource: string
}

/** What the client has to say about itself. */
export interface ClientWatcher {
  /** A message has come, as the `session`th session of this client. */
  onMessage(message: XmlNode, session: number): void
  /** The server has taken responsibility for the stanza that was sent with this label. */
  onHandled(label: string): void
  /** The server is asking what has come; `answer` tells it. */
  onAsked(answer: () => void): void
}

interface Sent {
  readonly xml: string
  /** Given if it must be sent again when it may have been lost. */
  readonly label: string | undefined
}

export const PASSWORD = 'secret'
const SECONDS = 20

export class ManagedClient {
  readonly person: Person
  readonly #watcher: ClientWatcher
  /** How many sessions there have been. */
  session = 0
  #wire: Wire | undefined
  #id: string | undefined
  /** What the server has handled, and what it may not have. */
  #handled = 0
  #sent: Sent[] = []
  /** What we have handled. */
  #count = 0
  #isManaged = false
  #isReady = false
  readonly #inbox: XmlNode[] = []
  #wake = (): void => {}
  readonly #asked = new Map<string, { resolve(answer: XmlNode): void; reject(error: Error): void }>()
  /** What the server has said to be wrong. */
  #fault = ''
  #lastId = 0

  constructor(person: Person, watcher: ClientWatcher) {
    this.person = person
    this.#watcher = watcher
  }

  get bare(): string {
    return `${this.person.node}@${this.person.domain}`
  }

  /** True if it has a session, and has said what it had to say first. */
  get isReady(): boolean {
    return this.#isReady
  }

  /** Labels of what the server has not acknowledged. */
  get pending(): readonly string[] {
    return this.#sent.map(({ label }) => label).filter((label) => label !== undefined)
  }

  /** Makes the account, on a connection of its own. */
  async register(endpoint: TcpEndpoint): Promise<void> {
    await this.#open(endpoint)
    const fields = `<username>${this.person.node}</username><password>${PASSWORD}</password>`
    this.#write(`<iq type='set' id='r'><query xmlns='jabber:iq:register'>${fields}</query></iq>`)
    const answer = await this.#next()
    if (answer.attributes.get('type') !== 'result') throw new Error(`no account: ${print(answer)}`)
    this.drop()
  }

  /** Takes up the former session if the server lets it; else begins another, and after `greet` sends again what was not handled. */
  async connect(endpoint: TcpEndpoint, greet: () => Promise<void>): Promise<void> {
    await this.#login(endpoint)
    if (this.#id === undefined || !(await this.#resume(this.#id))) await this.#beginAgain(greet)
    this.#isReady = this.#isManaged
  }

  /** Sends a stanza; one with a label is sent until it has been handled. */
  send(xml: string, label?: string): void {
    this.#sent.push({ xml, label })
    this.#write(xml)
  }

  /** Asks the server what it has handled. */
  askForAck(): void {
    this.#write(`<r xmlns='${NS.sm}'/>`)
  }

  /** Sends a request and waits for the answer; rejects if the connection ends first. */
  async request(type: 'get' | 'set', payload: string, to?: string): Promise<XmlNode> {
    const id = `q${++this.#lastId}`
    const { promise, resolve, reject } = Promise.withResolvers<XmlNode>()
    this.#asked.set(id, { resolve, reject })
    const timer = setTimeout(() => reject(new Error(`${this.bare}: no answer to ${payload}`)), SECONDS * 1000)
    this.send(`<iq type='${type}' id='${id}'${to === undefined ? '' : ` to='${to}'`}>${payload}</iq>`)
    try {
      return await promise
    } finally {
      clearTimeout(timer)
      this.#asked.delete(id)
    }
  }

  /** Says what has come, and waits until the server has heard it. */
  async confirm(): Promise<void> {
    this.#answer()
    await this.request('get', `<ping xmlns='urn:xmpp:ping'/>`)
  }

  /** Says goodbye: there will be nothing to resume. */
  leave(): void {
    this.#answer()
    this.#wire?.closeStream()
    this.#wire?.end()
    this.#forget()
    this.#id = undefined
    this.#sent = []
  }

  /** As if a cable were pulled. */
  drop(): void {
    this.#wire?.destroy()
    this.#forget()
  }

  async #login(endpoint: TcpEndpoint): Promise<void> {
    await this.#open(endpoint)
    const plain = Buffer.from(`\0${this.person.node}\0${PASSWORD}`).toString('base64')
    this.#write(`<auth xmlns='${NS.sasl}' mechanism='PLAIN'>${plain}</auth>`)
    await this.#expect('success')
    this.#wire?.openStream(this.person.domain)
    await this.#expect('features')
  }

  async #open(endpoint: TcpEndpoint): Promise<void> {
    this.drop()
    const wire = await connectTcp(
      endpoint,
      'plain',
      { domain: this.person.domain, certificate: {}, timeoutSeconds: SECONDS },
      {
        onOpen: () => {},
        onElement: (element) => this.#take(element),
        onClose: () => wire.destroy(),
        onGone: () => {
          if (this.#wire === wire) this.#forget()
        },
      },
    )
    this.#wire = wire
    wire.openStream(this.person.domain)
    await this.#expect('features')
  }

  async #resume(id: string): Promise<boolean> {
    this.#fault = ''
    this.#write(`<resume xmlns='${NS.sm}' previd='${id}' h='${this.#count}'/>`)
    const answer = await this.#next()
    const h = answer.attributes.get('h')
    if (h !== undefined) this.#acknowledged(Number(h))
    if (answer.name !== 'resumed') return false
    if (h === undefined) throw new Error('resumed without a count')
    this.#isManaged = true
    for (const { xml } of this.#sent) this.#write(xml)
    // What came together with the answer.
    for (const element of this.#inbox.splice(0)) this.#take(element)
    return true
  }

  async #beginAgain(greet: () => Promise<void>): Promise<void> {
    const again = this.#sent.filter(({ label }) => label !== undefined)
    await this.#begin()
    try {
      await greet()
    } finally {
      // Also when the connection has ended meanwhile: then for the next.
      for (const { xml, label } of again) this.send(xml, label)
    }
  }

  async #begin(): Promise<void> {
    this.#id = undefined
    this.#write(
      `<iq type='set' id='b'><bind xmlns='${NS.bind}'><resource>${this.person.resource}</resource></bind></iq>`,
    )
    const bound = await this.#next()
    if (bound.attributes.get('type') !== 'result') throw new Error(`${this.bare}: no resource: ${print(bound)}`)
    this.#write(`<enable xmlns='${NS.sm}' resume='true'/>`)
    const enabled = await this.#next()
    this.#id = enabled.attributes.get('id')
    if (this.#id === undefined) throw new Error(`${this.bare}: no stream management: ${print(enabled)}`)
    this.session++
    this.#handled = 0
    this.#sent = []
    this.#count = 0
    this.#isManaged = true
    for (const element of this.#inbox.splice(0)) this.#take(element)
  }

  #take(element: XmlNode): void {
    if (!this.#isManaged) {
      this.#inbox.push(element)
      this.#wake()
      return
    }
    if (element.ns === NS.sm) {
      if (element.name === 'r') this.#watcher.onAsked(() => this.#answer())
      else this.#acknowledged(Number(element.attributes.get('h')))
      return
    }
    if (element.ns !== 'jabber:client') {
      this.#fault = print(element)
      return
    }
    this.#count++
    if (element.name === 'message') this.#watcher.onMessage(element, this.session)
    if (element.name === 'iq') this.#asked.get(element.attributes.get('id') ?? '')?.resolve(element)
  }

  #answer(): void {
    if (!this.#isManaged) return
    this.#write(`<a xmlns='${NS.sm}' h='${this.#count}'/>`)
  }

  #acknowledged(h: number): void {
    const fresh = h - this.#handled
    if (fresh > this.#sent.length) throw new Error(`${this.bare}: ${h} handled, but fewer sent`)
    // An older count may be what a server remembers that was killed.
    for (const { label } of this.#sent.splice(0, Math.max(0, fresh))) {
      if (label !== undefined) this.#watcher.onHandled(label)
    }
    this.#handled = Math.max(h, this.#handled)
  }

  #write(xml: string): void {
    this.#wire?.send(xml)
  }

  #forget(): void {
    this.#wire = undefined
    this.#isManaged = false
    this.#isReady = false
    this.#inbox.length = 0
    for (const asked of this.#asked.values()) asked.reject(new Error(`${this.bare}: cut off ${this.#fault}`))
    this.#wake()
  }

  async #expect(name: string): Promise<void> {
    const element = await this.#next()
    if (element.name !== name) throw new Error(`${this.bare}: expected <${name}>, but received ${print(element)}`)
  }

  async #next(): Promise<XmlNode> {
    const deadline = performance.now() + SECONDS * 1000
    while (this.#inbox.length === 0) {
      if (this.#wire === undefined) throw new Error(`${this.bare}: the connection has ended`)
      const left = deadline - performance.now()
      if (left <= 0) throw new Error(`${this.bare}: nothing came`)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, left)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    const [element] = this.#inbox.splice(0, 1)
    if (element === undefined) throw new Error('nothing came')
    return element
  }
}
