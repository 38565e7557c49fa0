/** Streams over HTTP: elements go in the `<body/>` of requests and come in those of responses (XEP-0124, XEP-0206). */
import { randomInt } from 'node:crypto'
import { NS } from './namespaces.ts'
import { headerAttributes, withNamespace, type Wire, type WireListener } from './wire.ts'
import { elementsOf, type XmlNode } from './xml-node.ts'
import { XmlReader } from './xml-reader.ts'

const NS_BODY = 'http://jabber.org/protocol/httpbind'
const NS_XBOSH = 'urn:xmpp:xbosh'

/** One that waits for what the server says, and one to say something meanwhile. */
const MOST_REQUESTS = 2

/** Nothing is sent until a stream is opened. */
export function connectBosh(url: string, listener: WireListener): Wire {
  return new BoshWire(url, listener)
}

class BoshWire implements Wire {
  readonly #url: string
  readonly #listener: WireListener
  readonly #aborter = new AbortController()
  #rid = randomInt(2 ** 40)
  #sid: string | undefined
  #from = ''
  readonly #waiting: { readonly attributes: string; readonly content: string }[] = []
  #underWay = 0
  /** Until a response is there, the one to the next request is not looked at. */
  #responses = Promise.resolve()
  #expectsOpen = false
  #isOver = false

  constructor(url: string, listener: WireListener) {
    this.#url = url
    this.#listener = listener
  }

  openStream(domain: string): void {
    this.#expectsOpen = true
    const terms = this.#sid === undefined ? ` hold='1' wait='30' ver='1.6' xmpp:version='1.0'` : ` xmpp:restart='true'`
    const to = headerAttributes(domain).replace(/version='[^']*' /, '')
    this.#post(` ${to} xmlns:xmpp='${NS_XBOSH}'${terms}`, '')
  }

  send(element: string): void {
    this.#post('', withNamespace(element))
  }

  sendRaw(bytes: Uint8Array): void {
    this.#post('', Buffer.from(bytes).toString())
  }

  closeStream(): void {
    this.#post(` type='terminate'`, '')
  }

  startTls(): Promise<void> {
    return Promise.reject(new Error('there is no STARTTLS over BOSH'))
  }

  tlsExporter(): Buffer | undefined {
    return undefined
  }

  end(): void {
    this.#gone(undefined)
  }

  destroy(): void {
    this.#gone(undefined)
  }

  #post(attributes: string, content: string): void {
    this.#waiting.push({ attributes, content })
    this.#pump()
  }

  /** One request always waits for the server, unless the session is not there yet. */
  #pump(): void {
    while (!this.#isOver && this.#underWay < MOST_REQUESTS) {
      const next = this.#waiting.shift()
      if (next === undefined && (this.#underWay > 0 || this.#sid === undefined)) return
      this.#request(next?.attributes ?? '', next?.content ?? '')
      if (this.#sid === undefined) return
    }
  }

  #request(attributes: string, content: string): void {
    this.#underWay++
    const sid = this.#sid === undefined ? '' : ` sid='${this.#sid}'`
    const body = `<body xmlns='${NS_BODY}' rid='${this.#rid++}'${sid}${attributes}>${content}</body>`
    const response = fetchBody(this.#url, body, this.#aborter.signal)
    // Whoever is first to be looked at tells.
    response.catch(() => undefined)
    this.#responses = this.#responses.then(async () => {
      try {
        this.#take(await response)
      } catch (error) {
        if (!(error instanceof Error)) throw error
        this.#gone(error.message)
      }
    })
  }

  #take({ attributes, ...body }: XmlNode): void {
    this.#underWay--
    if (this.#isOver) return
    this.#sid ??= attributes.get('sid')
    this.#from = attributes.get('from') ?? this.#from
    for (const element of elementsOf({ attributes, ...body })) this.#tell(element)
    if (attributes.get('type') !== 'terminate') {
      this.#pump()
      return
    }
    this.#listener.onClose()
    if (attributes.get('condition') !== undefined) this.#gone(undefined)
  }

  /** The server's header is not sent over BOSH: features are the first that is heard of a stream. */
  #tell(element: XmlNode): void {
    if (this.#expectsOpen && element.ns === NS.stream) {
      this.#expectsOpen = false
      const attributes = new Map([
        ['version', '1.0'],
        ['id', this.#sid ?? 'none'],
        ['from', this.#from],
      ])
      this.#listener.onOpen({ name: 'open', ns: NS.framing, attributes, children: [] })
    }
    this.#listener.onElement(element)
  }

  #gone(fault: string | undefined): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#aborter.abort()
    this.#listener.onGone(fault)
  }
}

async function fetchBody(url: string, body: string, signal: AbortSignal): Promise<XmlNode> {
  const headers = { 'content-type': 'text/xml; charset=utf-8' }
  const response = await fetch(url, { method: 'POST', body, headers, signal })
  if (response.status !== 200) throw new Error(`the server answers with ${response.status}`)
  return readBody(await response.text())
}

function readBody(text: string): XmlNode {
  const elements: XmlNode[] = []
  const reader = new XmlReader('elements', { onElement: (element) => elements.push(element) })
  reader.write(text)
  reader.end()
  const [body] = elements
  if (body?.name !== 'body' || body.ns !== NS_BODY)
    throw new Error(`a response that is no <body/>: ${text.slice(0, 60)}`)
  return body
}
