/** Whole connections with a server of ours: what only sockets can show. */
import { once } from 'node:events'
import net from 'node:net'
import { networkInterfaces } from 'node:os'
import t, { type Test } from 'tap'
import { stage } from '../../../server/host/stages.ts'
import { TcpTransport } from '../../../server/stream/tcp-transport.ts'
import { type OwnServer, startOwnServer } from '../../support/own-server.ts'
import { bind, header, plainAuth, RawClient } from './raw-client.ts'

async function start(t: Test, config = ''): Promise<OwnServer & { readonly lines: readonly string[] }> {
  const lines: string[] = []
  const own = await startOwnServer({ config, log: { write: (line) => void lines.push(line) } })
  t.teardown(() => own[Symbol.asyncDispose]())
  await own.accounts('localhost').create('romeo', 'password')
  await own.accounts('localhost').create('juliet', 'password')
  return { ...own, lines }
}

/** A client with a bound resource. */
async function logIn({ ports }: OwnServer, node: string): Promise<RawClient> {
  const client = await RawClient.connect({ port: ports.c2s })
  await logInOn(client, node)
  return client
}

async function logInOn(client: RawClient, node: string): Promise<void> {
  client.send(header('localhost'))
  await client.until('</stream:features>')
  client.send(plainAuth(node, 'password'))
  await client.until('<success')
  client.send(header('localhost'))
  await client.until('</stream:features>')
  client.send(bind(node))
  await client.until("type='result'")
}

/** Nothing is left of any connection. */
async function isEmpty({ server }: OwnServer): Promise<void> {
  await server.front.emptied()
}

t.test('STARTTLS, SNI and login, over every way that there is', async (t) => {
  const own = await start(t)
  const plain = await RawClient.connect({ port: own.ports.c2s })
  plain.send(header('localhost'))
  await plain.until('</stream:features>')
  plain.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
  await plain.until("<proceed xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
  await plain.startTls({ servername: 'localhost' })
  await logInOn(plain, 'romeo')

  const direct = await RawClient.connectTls({ port: own.ports.c2s_tls, ALPNProtocols: ['xmpp-client'] })
  await logInOn(direct, 'juliet')
  plain.send("<message to='juliet@localhost/juliet' id='m1'/>")
  await direct.until("id='m1'")

  direct.send('</stream:stream>')
  t.match(await direct.rest(), /<\/stream:stream>$/)
  plain.destroy()
  await isEmpty(own)
  t.same(
    own.lines.filter((line) => line.includes('error')),
    [],
  )
})

t.test('what is sent in the clear behind the request for TLS goes nowhere', async (t) => {
  const own = await start(t)
  const client = await RawClient.connect({ port: own.ports.c2s })
  client.send(header('localhost'))
  await client.until('</stream:features>')
  client.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
  await client.until('<proceed')
  // Too late for the scanner: this goes to TLS, which does not understand it.
  client.send(`${header('localhost')}${plainAuth('romeo', 'password')}`)
  t.notMatch(await client.rest(), /success|stream:features/)
  await isEmpty(own)
})

t.test('nobody stays who does not log in, at whatever point they stop', async (t) => {
  const own = await start(t, 'c2s: { auth_timeout: 1 second }')
  const { c2s, c2s_tls, http } = own.ports
  const plainUpTo = async (...steps: readonly (readonly [say: string, hear: string])[]): Promise<RawClient> => {
    const client = await RawClient.connect({ port: c2s })
    for (const [say, hear] of steps) {
      client.send(say)
      await client.until(hear)
    }
    return client
  }
  const opening = [header('localhost'), '</stream:features>'] as const
  const starting = ["<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>", '<proceed'] as const
  const authenticating = [plainAuth('romeo', 'password'), '<success'] as const
  const dripping = await RawClient.connect({ port: c2s_tls })
  // The beginning of a TLS handshake, which says that much is to come, and then one byte after the other.
  dripping.send(Buffer.from('160301020001', 'hex'))
  const drip = setInterval(() => dripping.send('\0'), 50)
  const begun = performance.now()
  const clients = {
    'says nothing': await plainUpTo(),
    'says nothing but white space': await plainUpTo([' ', '']),
    'has begun a header': await plainUpTo(['<stream:stream to=', '']),
    'has opened a stream': await plainUpTo(opening),
    'has been told to go on with TLS': await plainUpTo(opening, starting),
    'has begun to log in': await plainUpTo(opening, [
      "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='SCRAM-SHA-1'>biwsbj1yb21lbyxyPWFiYw==</auth>",
      '</challenge>',
    ]),
    'has logged in': await plainUpTo(opening, authenticating),
    'has opened its second stream': await plainUpTo(opening, authenticating, opening),
    'says nothing where TLS is expected': await RawClient.connect({ port: c2s_tls }),
    'drips its handshake': dripping,
    'has finished its handshake': await RawClient.connectTls({ port: c2s_tls }),
  }
  for (const [what, client] of Object.entries(clients)) {
    await client.rest()
    t.pass(`a client that ${what} has to go`)
  }
  clearInterval(drip)
  t.ok(performance.now() - begun < 4_000, 'all in time')
  await isEmpty(own)

  const web = net.connect(http)
  await once(web, 'connect')
  web.destroy()
  t.notOk(own.lines.some((line) => line.includes('"error"')))
})

t.test('a peer that does not read is let go, and harms nobody', async (t) => {
  const own = await start(t, 'c2s: { backlog_size: 64 KiB, rate: unlimited }')
  const romeo = await logIn(own, 'romeo')
  const juliet = await logIn(own, 'juliet')
  const isThere = (): boolean =>
    [...own.server.front.streams].some(({ identity, closed }) => identity?.node === 'juliet' && !closed)
  juliet.socket.pause()
  const body = 'x'.repeat(100_000)
  let sent = 0
  for (; isThere() && sent < 1000; sent++) {
    romeo.send(`<message to='juliet@localhost/juliet' type='headline'><body>${body}</body></message>`)
    romeo.send(`<iq type='get' id='p${sent}' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>`)
    await romeo.until(`id='p${sent}'`)
  }
  t.ok(sent * body.length < 20_000_000, 'what waits for it is bounded, besides the buffers of the kernel')
  romeo.destroy()
  juliet.destroy()
  await isEmpty(own)
})

t.test('who sends too fast is read slowly; nothing is lost, and others do not wait', async (t) => {
  const own = await start(t, 'c2s: { rate: 100 KiB/s, burst: 50 KiB }')
  const romeo = await logIn(own, 'romeo')
  const juliet = await logIn(own, 'juliet')
  const body = 'x'.repeat(1_000)
  for (let i = 0; i < 150; i++) {
    romeo.send(`<message to='juliet@localhost/juliet' type='headline' id='m${i}'><body>${body}</body></message>`)
  }
  romeo.send("<iq type='get' id='last' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>")
  const isSlow = Promise.withResolvers<boolean>()
  void romeo.until("id='last'").then(() => isSlow.resolve(false))
  juliet.send("<iq type='get' id='mine' to='localhost'><ping xmlns='urn:xmpp:ping'/></iq>")
  const heard = await juliet.until("id='mine'")
  isSlow.resolve(true)
  t.ok(await isSlow.promise)
  t.notMatch(heard, "id='m149'")
  const all = heard + (await juliet.until("id='m149'"))
  t.same(
    [...all.matchAll(/ id='m(\d+)'/g)].map(([, number]) => Number(number)),
    Array.from({ length: 150 }, (_, i) => i),
  )
})

/** Those from this machine to itself are not counted, unless they go by way of the address that others know it by. */
const outside = Object.values(networkInterfaces())
  .flatMap((infos) => infos ?? [])
  .find(({ family, internal }) => family === 'IPv4' && !internal)

const oneAddress = { skip: outside === undefined && 'this machine has no such address' }
t.test('so many at once from one address; who has gone does not count', oneAddress, async (t) => {
  const address = outside?.address ?? ''
  const listen = `{ c2s: ['${address}:0'], c2s_tls: ['${address}:0'], http: [] }`
  const own = await start(t, `listen: ${listen}\nc2s: { max_connections_per_address: 2 }`)
  const enter = async (): Promise<RawClient> => {
    const client = await RawClient.connect({ host: address, port: own.ports.c2s })
    client.send(header('localhost'))
    await client.until('</stream:features>')
    return client
  }
  const stays = await enter()
  for (let times = 0; times < 3; times++) {
    const client = await enter()
    await t.rejects(enter(), 'there are two already')
    client.send("<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>")
    await client.until('<proceed')
    await client.startTls()
    client.destroy()
    while (own.server.front.streams.size > 1) await new Promise(setImmediate)
  }
  const direct = await RawClient.connectTls({ host: address, port: own.ports.c2s_tls })
  direct.destroy()
  while (own.server.front.streams.size > 1) await new Promise(setImmediate)
  await enter()
  stays.destroy()
})

t.test('a stanza is limited in size, also if it comes byte by byte', async (t) => {
  const own = await start(t, 'c2s: { stanza_size: 10 KB, pre_auth_stanza_size: 1 KiB, rate: unlimited }')
  const romeo = await logIn(own, 'romeo')
  for (const begin of [
    '<message ',
    "<message id='",
    '<message><body>',
    '<message><![CDATA[',
    `<message>${'<a>'.repeat(9)}`,
  ]) {
    const client = await logIn(own, 'juliet')
    client.send(begin)
    const sending = setInterval(() => client.send('x'.repeat(101)), 0)
    t.match(await client.rest(), '<policy-violation', begin)
    clearInterval(sending)
  }
  const fits = `<message to='romeo@localhost/romeo' id='fits'><body>${'x'.repeat(9_900)}</body></message>`
  romeo.send(fits)
  await romeo.until("id='fits'")
  romeo.send(fits.replace('xxx', 'x'.repeat(200)))
  t.match(await romeo.rest(), '<policy-violation')

  const stranger = await RawClient.connect({ port: own.ports.c2s })
  stranger.send(header('localhost'))
  await stranger.until('<max-bytes>1024</max-bytes>')
  stranger.send(`<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>${'A'.repeat(1024)}`)
  t.match(await stranger.rest(), '<policy-violation')
})

t.test('a handler that throws harms one stanza', async (t) => {
  const own = await start(t)
  const host = own.server.hosts.get('localhost')?.host
  host?.hooks.on(
    'outgoing/message',
    ({ stanza }) => {
      if (stanza.id === 'throw') throw new TypeError('oops')
      return stanza.id === 'reject' ? Promise.reject(new TypeError('oops')) : undefined
    },
    stage.guard,
    'spec',
  )
  const romeo = await logIn(own, 'romeo')
  const juliet = await logIn(own, 'juliet')
  for (const id of ['throw', 'reject']) {
    romeo.send(
      `<message to='juliet@localhost/juliet' id='${id}'/><message to='juliet@localhost/juliet' id='${id}-next'/>`,
    )
    t.match(
      await romeo.until('</message>'),
      /type='error' id='(throw|reject)'.*<error type='wait'><internal-server-error/,
    )
    t.notMatch(await juliet.until(`id='${id}-next'`), `id='${id}'`)
  }
  t.equal(own.lines.filter((line) => line.includes('stanza handler failed')).length, 2)
})

t.test('a wire that is gone before anybody looks leaves no stream', async (t) => {
  const own = await start(t)
  const socket = new net.Socket()
  socket.destroy()
  own.server.front.accept(new TcpTransport(socket, own.server.front.turn, undefined))
  t.equal(own.server.front.streams.size, 1)
  await own.server.front.emptied()
})

t.test('everybody is told when the server stops, and nobody gets in meanwhile', async (t) => {
  const own = await start(t)
  const bound = await logIn(own, 'romeo')
  const opened = await RawClient.connect({ port: own.ports.c2s })
  opened.send(header('localhost'))
  await opened.until('</stream:features>')
  const silent = await RawClient.connect({ port: own.ports.c2s })
  const inHandshake = await RawClient.connect({ port: own.ports.c2s_tls })
  const web = await RawClient.connect({ port: own.ports.http })
  // All have to be known to the server.
  while (own.server.front.streams.size < 4) await new Promise(setImmediate)
  const stopping = own.server.stop()
  t.match(await bound.rest(), /<system-shutdown .*<\/stream:stream>$/)
  t.match(await opened.rest(), /<system-shutdown .*<\/stream:stream>$/)
  t.match(await silent.rest(), /^<\?xml.*<system-shutdown .*<\/stream:stream>$/)
  t.equal(await inHandshake.rest(), '')
  t.equal(await web.rest(), '')
  await t.rejects(RawClient.connect({ port: own.ports.c2s }), { code: 'ECONNREFUSED' })
  await stopping
})
