/** External components over their wire (XEP-0114). */
import { createHash } from 'node:crypto'
import t, { type Test } from 'tap'
import { FakeClock } from '../support/fake-clock.ts'
import { type OwnServer, startOwnServer } from '../support/own-server.ts'
import { Wire } from '../support/wire.ts'

const HOSTS = `hosts:
  localhost: {}
  gateway.localhost: { is: component, secret: sesame }
  other.localhost: { is: component, secret: other, conflict: refuse, ping_after: never }
`

interface World extends OwnServer {
  readonly lines: readonly string[]
  readonly clock: FakeClock
  /** A wire to the port of components, which is dropped with the spec. */
  readonly wire: () => Wire
  /** A component that is connected. */
  readonly component: (domain?: string, secret?: string) => Promise<Wire>
  /** A client of `localhost`. */
  readonly client: (node: string) => Promise<Wire>
}

async function start(t: Test, config = HOSTS): Promise<World> {
  const lines: string[] = []
  const clock = new FakeClock(Date.now())
  const own = await startOwnServer({ config, clock, log: { write: (line) => void lines.push(line) } })
  const wires: Wire[] = []
  t.teardown(async () => {
    for (const wire of wires) wire.drop()
    await own[Symbol.asyncDispose]()
  })
  const connect = (port: number): Wire => {
    const wire = new Wire(port)
    wires.push(wire)
    return wire
  }
  const wire = (): Wire => connect(own.ports.component)
  return {
    ...own,
    lines,
    clock,
    wire,
    component: async (domain = 'gateway.localhost', secret = 'sesame') => {
      const one = wire()
      one.write(handshake(await open(one, domain), secret))
      await one.until(/<handshake [^>]*\/>/)
      return one
    },
    client: async (node) => {
      await own.accounts('localhost').create(node, 'password')
      const one = connect(own.ports.c2s)
      await one.enter(node, 'password', 'orchard')
      return one
    },
  }
}

function header(to: string, ns = 'jabber:component:accept'): string {
  return `<?xml version='1.0'?><stream:stream xmlns='${ns}' xmlns:stream='http://etherx.jabber.org/streams' to='${to}'>`
}

/** Gives the id of the stream. */
async function open(wire: Wire, domain: string): Promise<string> {
  wire.write(header(domain))
  const [, id = ''] = / id='([^']+)'/.exec(await wire.until(/<stream:stream[^>]*>/)) ?? []
  return id
}

function handshake(id: string, secret: string): string {
  return `<handshake>${createHash('sha1')
    .update(id + secret)
    .digest('hex')}</handshake>`
}

t.test('a component proves that it knows the secret', async (t) => {
  const { wire } = await start(t)
  const one = wire()
  one.write(header('gateway.localhost'))
  const answer = await one.until(/<stream:stream[^>]*>/)
  // No version, and so no features.
  t.match(
    answer,
    /^<\?xml version='1.0'\?><stream:stream xmlns='jabber:component:accept' xmlns:stream='http:\/\/etherx.jabber.org\/streams' from='gateway.localhost' id='[^']{16}'>$/,
  )
  const [, id = ''] = / id='([^']+)'/.exec(answer) ?? []
  one.write(handshake(id, 'sesame'))
  await one.until(/^<handshake xmlns='jabber:component:accept'\/>/)
  one.write(handshake(id, 'sesame'))
  await one.until(/<not-authorized .*<\/stream:stream>$/)
})

const refused = {
  'a wrong secret': { send: handshake('x', 'sesame'), condition: 'not-authorized' },
  'no secret': { send: '<handshake/>', condition: 'not-authorized' },
  'a stanza before': { send: `<message from='gateway.localhost' to='localhost'/>`, condition: 'not-authorized' },
  SASL: { send: `<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>`, condition: 'unsupported-stanza-type' },
  'too much': { send: `<handshake>${'a'.repeat(9000)}</handshake>`, condition: 'policy-violation' },
}
for (const [name, { send, condition }] of Object.entries(refused)) {
  t.test(`refused: ${name}`, async (t) => {
    const { wire } = await start(t)
    const one = wire()
    await open(one, 'gateway.localhost')
    one.write(send)
    await one.until(new RegExp(`^<stream:error><${condition} .*</stream:error></stream:stream>$`))
  })
}

const unwelcome = {
  'a domain of ours that is no component': { text: header('localhost'), condition: 'host-unknown' },
  'a domain that is not ours': { text: header('elsewhere.example'), condition: 'host-unknown' },
  'the namespace of clients': { text: header('gateway.localhost', 'jabber:client'), condition: 'invalid-namespace' },
  'the other direction': {
    text: header('gateway.localhost', 'jabber:component:connect'),
    condition: 'invalid-namespace',
  },
  'no domain': { text: header('').replace(` to=''`, ''), condition: 'improper-addressing' },
}
for (const [name, { text, condition }] of Object.entries(unwelcome)) {
  t.test(`unwelcome: ${name}`, async (t) => {
    const { wire } = await start(t)
    const one = wire()
    one.write(text)
    // Header, error and end (§3).
    await one.until(new RegExp(`<stream:stream [^>]*><stream:error><${condition} .*</stream:error></stream:stream>$`))
  })
}

t.test('clients and components do not meet at one port', async (t) => {
  const { ports } = await start(t)
  const one = new Wire(ports.c2s)
  t.teardown(() => one.drop())
  one.write(header('gateway.localhost'))
  await one.until(/<invalid-namespace/)
  const other = new Wire(ports.c2s)
  t.teardown(() => other.drop())
  other.write(header('gateway.localhost', 'jabber:client'))
  await other.until(/<host-unknown/)
})

t.test('stanzas go both ways, as they are', async (t) => {
  const { component, client } = await start(t)
  const gateway = await component()
  const romeo = await client('romeo')

  romeo.write(
    `<message to='juliet@gateway.localhost/x' type='chat' id='m1'><body>Hi</body><x xmlns='urn:x'/></message>`,
  )
  const sent = await gateway.until(/<message .*<\/message>/)
  t.match(sent, `to='juliet@gateway.localhost/x'`)
  t.match(sent, `from='romeo@localhost/orchard'`)
  t.match(sent, `><body>Hi</body><x xmlns='urn:x'/></message>`)
  t.notMatch(sent, 'jabber:client')

  gateway.write(
    `<message from='juliet@gateway.localhost/x' to='romeo@localhost/orchard' id='m2'><body>Hello</body></message>`,
  )
  t.match(await romeo.until(/<message .*<\/message>/), /from='juliet@gateway.localhost\/x'.*<body>Hello<\/body>/)

  // Whoever declares what holds anyway, nothing of it is passed on.
  gateway.write(
    `<message xmlns='jabber:component:accept' from='juliet@gateway.localhost' to='romeo@localhost/orchard'><body xmlns='jabber:component:accept'>Again</body></message>`,
  )
  t.match(await romeo.until(/<message .*<\/message>/), '<body>Again</body>')
  t.notMatch(romeo.rest, 'component:accept')

  romeo.write(`<iq type='get' to='gateway.localhost' id='v'><query xmlns='jabber:iq:version'/></iq>`)
  await gateway.until(/<iq .*<\/iq>/)
  gateway.write(`<iq type='result' from='gateway.localhost' to='romeo@localhost/orchard' id='v'/>`)
  await romeo.until(/<iq [^>]*id='v'/)

  // And an error for what comes from there.
  gateway.write(`<iq type='get' from='gateway.localhost' to='nobody@localhost' id='e'><q xmlns='urn:q'/></iq>`)
  t.match(await gateway.until(/<iq .*<\/iq>/), /to='gateway.localhost'.*type='error'.*service-unavailable/)
})

t.test('a component speaks for all addresses of its domain, and for no others', async (t) => {
  for (const from of ['juliet@localhost', 'localhost', 'x@sub.gateway.localhost', 'other.localhost', '@', '']) {
    const { component } = await start(t)
    const gateway = await component()
    gateway.write(`<message from='${from}' to='romeo@localhost'/>`)
    await gateway.until(/^<stream:error><invalid-from .*<\/stream:stream>$/)
  }
})

t.test('without a sender it is the domain itself; without an addressee it comes back', async (t) => {
  const { component, client } = await start(t)
  const gateway = await component()
  const romeo = await client('romeo')
  gateway.write(`<message to='romeo@localhost/orchard' id='m'/>`)
  t.match(await romeo.until(/<message [^>]*>/), `from='gateway.localhost'`)
  gateway.write(`<message from='a@gateway.localhost' id='n'><body>x</body></message>`)
  t.match(await gateway.until(/<message .*<\/message>/), /to='a@gateway.localhost'.*id='n'.*bad-request/)
  gateway.write(`<message to='@' from='a@gateway.localhost' id='o'/>`)
  t.match(await gateway.until(/<message .*<\/message>/), /id='o'.*jid-malformed/)
  // What is an error itself is not answered.
  gateway.write(`<message type='error' id='p'/><message to='@' id='q'/>`)
  t.match(await gateway.until(/jid-malformed.*<\/message>/), /^<message [^>]*id='q'/)
})

t.test('addresses of a component are contacts like others', async (t) => {
  const own = await start(t)
  const { component, client } = own
  const gateway = await component()
  const romeo = await client('romeo')
  romeo.write(`<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq><presence/>`)
  await romeo.until(/id='r'.*<presence /)
  romeo.write(`<presence to='juliet@gateway.localhost' type='subscribe'/>`)
  await gateway.until(/<presence [^>]*from='romeo@localhost' type='subscribe'/)
  gateway.write(
    `<presence from='juliet@gateway.localhost' to='romeo@localhost' type='subscribed'/>
    <presence from='juliet@gateway.localhost/web' to='romeo@localhost'><status>here</status></presence>
    <presence from='juliet@gateway.localhost' to='romeo@localhost' type='subscribe'/>`,
  )
  await romeo.until(/<item [^>]*jid='juliet@gateway.localhost'[^>]* subscription='to'/)
  await romeo.until(/<presence [^>]*from='juliet@gateway.localhost\/web'.*<status>here/)
  await romeo.until(/<presence [^>]*type='subscribe'/)
  romeo.write(`<presence to='juliet@gateway.localhost' type='subscribed'/>`)
  await gateway.until(/<presence [^>]*type='subscribed'/)
  await gateway.until(/<presence [^>]*from='romeo@localhost\/orchard'/)
  gateway.write(`<presence from='juliet@gateway.localhost' to='romeo@localhost' type='probe' id='p'/>`)
  await gateway.until(/<presence [^>]*from='romeo@localhost\/orchard'/)
  gateway.write(`<iq type='get' from='juliet@gateway.localhost' to='romeo@localhost' id='q'>
    <query xmlns='http://jabber.org/protocol/disco#info'/></iq>`)
  t.match(await gateway.until(/<iq .*<\/iq>/), /type='result'.*registered/)
  romeo.drop()
  await gateway.until(/<presence [^>]*from='romeo@localhost\/orchard' type='unavailable'/)
  // What is sent to an account that is away is kept for it, as from anybody.
  gateway.write(
    `<message from='juliet@gateway.localhost' to='romeo@localhost' type='chat'><body>Good night</body></message>`,
  )
  const back = new Wire(own.ports.c2s)
  t.teardown(() => back.drop())
  await back.enter('romeo', 'password', 'orchard')
  back.write('<presence/>')
  await back.until(/Good night/)
})

t.test('components write to each other, and to themselves', async (t) => {
  const { component } = await start(t)
  const gateway = await component()
  const other = await component('other.localhost', 'other')
  gateway.write(`<presence from='a@gateway.localhost' to='b@other.localhost'/>`)
  await other.until(/<presence [^>]*from='a@gateway.localhost'/)
  gateway.write(`<presence from='a@gateway.localhost' to='b@gateway.localhost'/>`)
  await gateway.until(/<presence [^>]*to='b@gateway.localhost'/)
})

t.test('a second connection replaces the first', async (t) => {
  const { component, client } = await start(t)
  const first = await component()
  const second = await component()
  await first.until(/<stream:error><conflict .*<\/stream:stream>$/)
  const romeo = await client('romeo')
  romeo.write(`<message to='gateway.localhost' id='m'/>`)
  await second.until(/id='m'/)
})

t.test('or is refused, as configured', async (t) => {
  const { component, wire, client } = await start(t)
  const first = await component('other.localhost', 'other')
  const second = wire()
  second.write(handshake(await open(second, 'other.localhost'), 'other'))
  await second.until(/^<stream:error><conflict .*<\/stream:stream>$/)
  const romeo = await client('romeo')
  romeo.write(`<message to='other.localhost' id='m'/>`)
  await first.until(/id='m'/)
})

t.test('whoever has gone is not there, until it is back', async (t) => {
  const { component, client, server } = await start(t)
  const gateway = await component()
  const romeo = await client('romeo')
  gateway.write('</stream:stream>')
  await gateway.until(/<\/stream:stream>/)
  romeo.write(`<message to='gateway.localhost' id='m'/>`)
  await romeo.until(/id='m'.*remote-server-timeout/)
  while (server.hosts.get('gateway.localhost')?.host.component !== undefined) await new Promise(setImmediate)
  romeo.write(`<message to='gateway.localhost' id='n'/>`)
  await romeo.until(/id='n'.*remote-server-timeout/)
  const back = await component()
  romeo.write(`<message to='gateway.localhost' id='o'/>`)
  await back.until(/id='o'/)
})

t.test('a stanza that is too long ends the stream', async (t) => {
  const { component } = await start(t, `components: { stanza_size: 20 KB }\n${HOSTS}`)
  const gateway = await component()
  gateway.write(`<message to='romeo@localhost' type='error'><body>${'a'.repeat(19_000)}</body></message>`)
  gateway.write(`<message to='romeo@localhost'><body>${'a'.repeat(21_000)}</body></message>`)
  await gateway.until(/^<stream:error><policy-violation/)
})

t.test('a component that does not read is let go', async (t) => {
  const { component, client } = await start(
    t,
    `c2s: { rate: unlimited }\ncomponents: { backlog_size: 64 KiB }\n${HOSTS}`,
  )
  const gateway = await component()
  const romeo = await client('romeo')
  gateway.stopReading()
  const body = 'a'.repeat(100_000)
  // More than the buffers of the sockets take, and then the error.
  for (let count = 0; count < 400 && !/remote-server-timeout/.test(romeo.rest); count++) {
    romeo.write(`<message to='gateway.localhost' id='m'><body>${body}</body></message>`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
  await romeo.until(/remote-server-timeout/)
})

t.test('guessing is slow, and ends', async (t) => {
  const { wire, clock, lines } = await start(t)
  for (let count = 0; count < 20; count++) {
    const one = wire()
    await open(one, 'gateway.localhost')
    one.write(handshake('x', 'wrong'))
    while (lines.filter((line) => line.includes('wrong secret')).length <= count) await new Promise(setImmediate)
    if (count >= 3) t.equal(one.rest, '', `${count} waits`)
    clock.advance(count < 3 ? 0 : Math.min(1000 * 2 ** (count - 3), 20_000))
    await one.until(/not-authorized/)
  }
  const last = wire()
  last.write(handshake(await open(last, 'gateway.localhost'), 'sesame'))
  await last.until(/policy-violation/)
  clock.advance(300_000)
  const late = wire()
  late.write(handshake(await open(late, 'gateway.localhost'), 'sesame'))
  await late.until(/<handshake/)
  t.notMatch(lines.join(), 'sesame')
})

t.test('a silent component is pinged, and let go if it does not answer', async (t) => {
  const { component, clock } = await start(t)
  const gateway = await component()
  clock.advance(310_000)
  const [, id] =
    /<iq [^>]*from='localhost'.* id='([^']+)'.*urn:xmpp:ping/.exec(await gateway.until(/<iq .*<\/iq>/)) ?? []
  gateway.write(`<iq type='result' to='localhost' id='${id}'/><message to='gateway.localhost' id='echo'/>`)
  await gateway.until(/id='echo'/)
  clock.advance(61_000)
  gateway.write(`<message to='gateway.localhost' id='echo2'/>`)
  await gateway.until(/id='echo2'/)
  clock.advance(370_000)
  await gateway.until(/urn:xmpp:ping/)
  clock.advance(61_000)
  await t.rejects(gateway.until(/never/), 'closed')
})

t.test('a reload leaves connections alone, unless the secret is another', async (t) => {
  const own = await start(t)
  const { component, client, lines, wire } = own
  const gateway = await component()
  const other = await component('other.localhost', 'other')
  const romeo = await client('romeo')
  const changed = HOSTS.replace('secret: sesame', 'secret: sesame, conflict: refuse').replace(
    'secret: other',
    'secret: new',
  )
  await own.reload(changed)
  romeo.write(`<message to='gateway.localhost' id='m'/>`)
  await gateway.until(/id='m'/)
  await other.until(/<stream:error><reset .*<\/stream:stream>$/)
  const second = wire()
  second.write(handshake(await open(second, 'gateway.localhost'), 'sesame'))
  await second.until(/<conflict/)

  // Another host that comes opens no second listener; one that goes takes its component along.
  await own.reload(changed.replace(/ {2}gateway.*\n/, '  third.localhost: { is: component, secret: third }\n'))
  await gateway.until(/<host-gone/)
  await component('third.localhost', 'third')
  t.same(
    lines.filter((line) => line.includes('failed')),
    [],
  )
})

t.test('nobody listens where there is no component', async (t) => {
  const own = await start(t, 'hosts: { localhost: {} }')
  t.equal(own.ports.component, 0)
  await own.reload(HOSTS)
  t.equal(own.server.front.listeners.filter(({ entrance }) => entrance === 'component').length, 1)
  await own.reload('hosts: { localhost: {} }')
  t.equal(own.server.front.listeners.filter(({ entrance }) => entrance === 'component').length, 0)
})

t.test('a host that is a component needs a secret', async (t) => {
  await t.rejects(startOwnServer({ config: 'hosts: { gateway.localhost: { is: component } }' }), /secret/)
  await t.rejects(startOwnServer({ config: `hosts: { gateway.localhost: { is: component, secret: '' } }` }), /secret/)
})

t.test('the server says goodbye when it stops', async (t) => {
  const { component, server } = await start(t)
  const gateway = await component()
  const stopped = server.stop()
  await gateway.until(/<stream:error><system-shutdown/)
  gateway.drop()
  await stopped
})
