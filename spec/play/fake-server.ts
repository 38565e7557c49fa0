/** Just enough of a server to test the client of the plays: logs in, hands on messages, misbehaves when told to. */
import { once } from 'node:events'
import net, { type AddressInfo } from 'node:net'
import { WebSocketServer } from 'ws'
import { NS } from './namespaces.ts'
import type { PlayAccount, PlayServer } from './server.ts'
import { childOf, elementsOf, escapeXml, textOf, type XmlNode } from './xml-node.ts'
import { XmlReader } from './xml-reader.ts'

/** What it does on a message whose body is one of these; text is sent to the sender as it stands. */
const misdeeds: ReadonlyMap<string, string> = new Map([
  ['stream error', `<stream:error xmlns:stream='${NS.stream}'><conflict xmlns='${NS.streamErrors}'/></stream:error>`],
  ['malformed', '<message><body></message>'],
  ['comment', '<!-- hello -->'],
  ['latin1', '\u{fc}'],
  ['close', ''],
  ['hang up', ''],
])

/** Listens on free ports. A message reaches the full JID it is sent to; a ping is answered. */
export async function startFakeServer(accounts: readonly PlayAccount[]): Promise<PlayServer> {
  const peers = new Map<string, Peer>()
  const tcp = net.createServer({ noDelay: true }, (socket) => {
    const peer = new Peer(tcpChannel(socket), accounts, peers)
    let reader = newReader(peer)
    socket.on('data', (bytes) => {
      if (socket.writableEnded) return
      const text = bytes.toString()
      if (text.includes('<?xml')) reader = newReader(peer)
      reader.write(text)
    })
    socket.on('error', () => socket.destroy())
  })
  const web = new WebSocketServer({ port: 0, host: '127.0.0.1' })
  web.on('connection', (socket) => {
    const peer = new Peer(
      { ...webSocketFrames, send: (text) => socket.send(text), hangUp: () => socket.close() },
      accounts,
      peers,
    )
    socket.on('message', (data: Buffer) => newReader(peer, 'elements').write(data.toString()))
  })
  tcp.listen(0, '127.0.0.1')
  await Promise.all([once(tcp, 'listening'), once(web, 'listening')])
  return {
    connect: {
      tcp: { host: '127.0.0.1', port: portOf(tcp.address()) },
      webSocketUrl: `ws://127.0.0.1:${portOf(web.address())}`,
    },
    close: async () => {
      tcp.close()
      web.close()
      await once(tcp, 'close')
    },
  }
}

/** How the fake speaks on one kind of connection. */
interface Channel {
  readonly open: (attributes: string) => string
  readonly features: (inner: string) => string
  readonly close: string
  send(text: string): void
  sendLatin1(text: string): void
  hangUp(): void
}

class Peer {
  readonly #channel: Channel
  readonly #accounts: readonly PlayAccount[]
  readonly #peers: Map<string, Peer>
  #account: PlayAccount | undefined
  #jid = ''

  constructor(channel: Channel, accounts: readonly PlayAccount[], peers: Map<string, Peer>) {
    this.#channel = channel
    this.#accounts = accounts
    this.#peers = peers
  }

  open(): void {
    const { open, features } = this.#channel
    this.#channel.send(open(`id='fake' from='localhost' version='1.0' xml:lang='en'`))
    const offer =
      this.#account === undefined
        ? `<mechanisms xmlns='${NS.sasl}'><mechanism>PLAIN</mechanism></mechanisms>`
        : `<bind xmlns='${NS.bind}'/>`
    this.#channel.send(features(offer))
  }

  take(element: XmlNode): void {
    if (element.ns === NS.framing) return element.name === 'open' ? this.open() : this.close()
    if (element.name === 'auth') return this.#authenticate(element)
    if (element.name === 'message') return this.#handOn(element)
    if (element.name === 'iq') return this.#answer(element)
  }

  send(text: string): void {
    this.#channel.send(text)
  }

  close(): void {
    this.#peers.delete(this.#jid)
    this.#channel.send(this.#channel.close)
    this.#channel.hangUp()
  }

  #authenticate(element: XmlNode): void {
    const [, node, password] = Buffer.from(textOf(element), 'base64').toString().split('\0')
    this.#account = this.#accounts.find((account) => account.node === node && account.password === password)
    const failure = `<failure xmlns='${NS.sasl}'><not-authorized/></failure>`
    this.#channel.send(this.#account === undefined ? failure : `<success xmlns='${NS.sasl}'/>`)
  }

  #answer(element: XmlNode): void {
    const id = escapeXml(element.attributes.get('id') ?? '')
    const bind = childOf(element, 'bind', NS.bind)
    if (bind === undefined) return this.#channel.send(`<iq xmlns='${NS.client}' type='result' id='${id}'/>`)
    const resource = elementsOf(bind).map(textOf)[0] ?? 'somewhere'
    this.#jid = `${this.#account?.node ?? ''}@localhost/${resource}`
    this.#peers.set(this.#jid, this)
    const bound = `<bind xmlns='${NS.bind}'><jid>${escapeXml(this.#jid)}</jid></bind>`
    this.#channel.send(`<iq xmlns='${NS.client}' type='result' id='${id}'>${bound}</iq>`)
  }

  #handOn(message: XmlNode): void {
    const body = childOf(message, 'body', NS.client)
    const text = body === undefined ? '' : textOf(body)
    if (misdeeds.has(text)) return this.#misbehave(text)
    const to = message.attributes.get('to') ?? ''
    const type = message.attributes.get('type')
    const attributes = `to='${escapeXml(to)}' from='${escapeXml(this.#jid)}'${type === undefined ? '' : ` type='${type}'`}`
    const inner = `<body>${escapeXml(text)}</body>`
    this.#peers.get(to)?.send(`<message xmlns='${NS.client}' ${attributes}>${inner}</message>`)
  }

  #misbehave(how: string): void {
    const text = misdeeds.get(how) ?? ''
    if (how === 'latin1') return this.#channel.sendLatin1(text)
    if (text !== '') this.#channel.send(text)
    if (how === 'hang up') return this.#channel.hangUp()
    if (how === 'close' || how === 'stream error') this.close()
  }
}

function tcpChannel(socket: net.Socket): Channel {
  return {
    open: (attributes) =>
      `<?xml version='1.0'?><stream:stream xmlns='${NS.client}' xmlns:stream='${NS.stream}' ${attributes}>`,
    features: (inner) => `<stream:features>${inner}</stream:features>`,
    close: '</stream:stream>',
    send: (text) => socket.write(text),
    sendLatin1: (text) => socket.write(text, 'latin1'),
    hangUp: () => socket.end(),
  }
}

const webSocketFrames = {
  open: (attributes: string) => `<open xmlns='${NS.framing}' ${attributes}/>`,
  features: (inner: string) => `<stream:features xmlns:stream='${NS.stream}'>${inner}</stream:features>`,
  close: `<close xmlns='${NS.framing}'/>`,
  sendLatin1: () => undefined,
} as const

function newReader(peer: Peer, kind: 'stream' | 'elements' = 'stream'): XmlReader {
  return new XmlReader(kind, {
    onOpen: () => peer.open(),
    onElement: (element) => peer.take(element),
    onClose: () => peer.close(),
  })
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('not listening on a port')
  return address.port
}
