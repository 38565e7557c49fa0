/** XMPP over WebSocket (RFC 7395), as sockets show it. */
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import t, { type Test } from 'tap'
import { type ClientOptions, WebSocket } from 'ws'
import { type OwnServer, startOwnServer } from '../../support/own-server.ts'
import { RawClient } from './raw-client.ts'
import { OPEN, PLAIN, WebClient } from './web-client.ts'

async function start(t: Test, websocket = '{}', more = ''): Promise<OwnServer> {
  const own = await startOwnServer({ config: `modules: { websocket: ${websocket} }\n${more}` })
  t.teardown(() => own[Symbol.asyncDispose]())
  await own.accounts('localhost').create('romeo', 'password')
  return own
}

const urlOf = ({ ports }: OwnServer, scheme = 'ws'): string => `${scheme}://127.0.0.1:${ports.http}/xmpp-websocket`

/** The status with which a handshake is refused. */
async function refusal(url: string, protocols: string[], options: ClientOptions = {}): Promise<number | undefined> {
  const socket = new WebSocket(url, protocols, options)
  socket.on('error', () => {})
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, IncomingMessage]
  return response.statusCode
}

t.test('a handshake needs the subprotocol and a site that is allowed', async (t) => {
  const own = await start(t, '{ origins: ["https://chat.example"] }')
  const url = urlOf(own)
  t.equal(await refusal(url, ['xmpp'], { origin: 'https://evil.example' }), 403)
  t.equal(await refusal(url, [], { origin: 'https://chat.example' }), 400)
  t.equal(await refusal(url, ['mqtt'], { origin: 'https://chat.example' }), 400)
  t.equal(await refusal(url.replace('websocket', 'nothing'), ['xmpp']), 404)
  t.equal((await fetch(url.replace('ws:', 'http:'))).status, 426)

  const allowed = await WebClient.connect(url, { origin: 'https://chat.example' })
  t.equal(allowed.socket.protocol, 'xmpp')
  t.equal(allowed.socket.extensions, '', 'without compression, though the client would')
  await WebClient.connect(url)
  const several = new WebSocket(url, ['mqtt', 'xmpp'])
  await once(several, 'open')
  t.equal(several.protocol, 'xmpp')
  for (const { transport } of own.server.front.streams) transport.destroy()
})

t.test('frames that are none of XMPP end the connection with a code that says why', async (t) => {
  const own = await start(t, '{ frame_size: 20 KB }', 'c2s: { stanza_size: 10 KB }')
  const code = async (send: (socket: WebSocket) => void): Promise<number> => {
    const client = await WebClient.connect(urlOf(own))
    send(client.socket)
    return (await client.closed()).code
  }
  t.equal(await code((socket) => socket.send(Buffer.from(OPEN))), 1003, 'binary')
  t.equal(await code((socket) => socket.send(Buffer.from([0xff]), { binary: false })), 1007, 'not UTF-8')
  t.equal(await code((socket) => socket.send('x'.repeat(20_001))), 1009, 'too big')
  t.equal(await code((socket) => socket.send(OPEN, { mask: false })), 1002, 'not masked')

  const tooBig = await WebClient.connect(urlOf(own))
  await tooBig.logIn()
  tooBig.socket.send(`<message xmlns='jabber:client'><body>${'x'.repeat(10_000)}</body></message>`)
  const { text } = await tooBig.closed()
  t.match(text, /<policy-violation .*\n<close xmlns=/, 'what fits in a frame is a stanza that is too big')
  await own.server.front.emptied()
})

t.test('a frame may come in fragments', async (t) => {
  const own = await start(t)
  const client = await WebClient.connect(urlOf(own))
  for (const part of OPEN.split(' ')) client.socket.send(`${part} `, { fin: false })
  client.socket.send('', { fin: true })
  await client.until(/features/)
  client.socket.close()
  t.equal((await client.closed()).code, 1005)
  await own.server.front.emptied()
})

t.test('closing, whoever begins', async (t) => {
  const own = await start(t)
  const polite = await WebClient.connect(urlOf(own))
  await polite.logIn()
  polite.socket.send("<close xmlns='urn:ietf:params:xml:ns:xmpp-framing'/>")
  t.match(await polite.closed(), { code: 1000, text: /^<close xmlns='urn:ietf:params:xml:ns:xmpp-framing'\/>$/ })

  const wrong = await WebClient.connect(urlOf(own))
  wrong.socket.send('<open/>')
  t.match(await wrong.closed(), { code: 1000, text: /<open .*\n<stream:error .*<\/stream:error>\n<close .*/ })

  const gone = await WebClient.connect(urlOf(own))
  gone.socket.terminate()
  await own.server.front.emptied()
  t.pass('nothing is left')
})

t.test('TLS on the same port', async (t) => {
  const own = await start(t, '{}', 'c2s: { require_encryption: always }')
  const plain = await WebClient.connect(urlOf(own))
  plain.socket.send(OPEN)
  t.notMatch(await plain.until(/features/), /<mechanism>/)
  plain.socket.terminate()

  const secure = await WebClient.connect(urlOf(own, 'wss'), { rejectUnauthorized: false })
  secure.socket.send(OPEN)
  t.match(await secure.until(/features/), /SCRAM-SHA-256-PLUS.*tls-exporter/s)
  secure.socket.send(PLAIN('password'))
  await secure.until(/<success/)
  secure.socket.terminate()
  await own.server.front.emptied()

  const half = await RawClient.connect({ port: own.ports.http })
  half.send(Buffer.from('160301020001', 'hex'))
  half.end()
  await half.rest()
})

t.test('who has gone without a word is let go, and who is there is not', async (t) => {
  const own = await start(t, '{ ping_every: 1 second }')
  const deaf = await WebClient.connect(urlOf(own), { autoPong: false })
  const quiet = await WebClient.connect(urlOf(own))
  await quiet.logIn()
  const pinged = once(quiet.socket, 'ping')
  await deaf.closed()
  await pinged
  await once(quiet.socket, 'ping')
  quiet.socket.send("<iq xmlns='jabber:client' type='get' id='p' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>")
  await quiet.until(/id='p'/)
  quiet.socket.terminate()
  await own.server.front.emptied()
})

t.test('a proxy that is believed says who a client is', async (t) => {
  const own = await start(
    t,
    '{ trusted_proxies: ["127.0.0.1", "10.0.0.0/8"] }',
    'c2s: { max_connections_per_address: 2 }',
  )
  const features = async (headers: Record<string, string>): Promise<string> => {
    const client = await WebClient.connect(urlOf(own), { headers })
    client.socket.send(OPEN)
    const text = await client.until(/features|error/)
    client.socket.terminate()
    await own.server.front.emptied()
    return text
  }
  t.match(await features({}), /<mechanism>PLAIN/, 'from this machine there is no need to encrypt')
  t.notMatch(await features({ 'x-forwarded-for': '192.0.2.1' }), /<mechanism>/)
  t.notMatch(await features({ 'x-forwarded-for': '192.0.2.1', 'x-forwarded-proto': 'http' }), /<mechanism>/)
  t.notMatch(await features({ 'x-forwarded-for': '127.0.0.1, 192.0.2.1' }), /<mechanism>/, 'whatever is before')
  t.notMatch(
    await features({ 'x-forwarded-for': '192.0.2.1, 10.1.1.1' }),
    /<mechanism>/,
    'nor one proxy behind another',
  )
  const encrypted = await features({ 'x-forwarded-for': '192.0.2.1', 'x-forwarded-proto': 'https' })
  t.match(encrypted, /<mechanism>PLAIN/)
  t.notMatch(encrypted, /-PLUS|channel-binding/, 'TLS that ends elsewhere binds nothing')

  const from = { headers: { 'x-forwarded-for': '2001:db8::1', 'x-forwarded-proto': 'https' } }
  const [first, second] = [await WebClient.connect(urlOf(own), from), await WebClient.connect(urlOf(own), from)]
  t.match(
    [...own.server.front.streams].map(({ transport }) => transport.address),
    ['2001:db8::1', '2001:db8::1'],
  )
  const third = await WebClient.connect(urlOf(own), from)
  t.match((await third.closed()).text, /<policy-violation/)
  first?.socket.terminate()
  second?.socket.terminate()
  await own.server.front.emptied()
  const again = await WebClient.connect(urlOf(own), from)
  again.socket.send(OPEN)
  await again.until(/features/)
  again.socket.terminate()

  const others = await start(t, '{ trusted_proxies: [] }')
  const client = await WebClient.connect(urlOf(others), { headers: { 'x-forwarded-for': '192.0.2.1' } })
  client.socket.send(OPEN)
  t.match(await client.until(/features/), /<mechanism>PLAIN/, 'others are not believed')
  client.socket.terminate()
  await others.server.front.emptied()
})

t.test('guessing is counted by the address that the proxy has seen', async (t) => {
  const own = await start(t)
  const fail = async (address: string): Promise<string> => {
    const headers = { 'x-forwarded-for': address, 'x-forwarded-proto': 'https' }
    const client = await WebClient.connect(urlOf(own), { headers })
    client.socket.send(OPEN)
    await client.until(/features/)
    client.socket.send(PLAIN('wrong'))
    const text = await client.until(/<failure/)
    client.socket.terminate()
    return text
  }
  // Three are free, and there is one after which others have to wait.
  for (let i = 0; i < 3; i++) await fail('192.0.2.9')
  const before = performance.now()
  await fail('192.0.2.9')
  t.ok(performance.now() - before > 900, 'the fourth answer comes late')
  const other = performance.now()
  await fail('192.0.2.10')
  t.ok(performance.now() - other < 900, 'but not to another')
  await own.server.front.emptied()
})
