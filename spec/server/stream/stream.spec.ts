import t from 'tap'
import { StreamError } from '../../../server/stream/stream-error.ts'
import { xml } from '../../../server/xml/element.ts'
import { FakeUser, HEADER, makeWorld, ROMEO, type World } from './fake-world.ts'

const NS_STREAM = 'http://etherx.jabber.org/streams'
const FEATURES = `<stream:features><ask xmlns='urn:ask'/></stream:features>`
const errorOf = (condition: string): RegExp =>
  new RegExp(
    `<stream:error><${condition} xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>.*</stream:error></stream:stream>$`,
  )

/** A stream with a bound resource. */
function boundWorld(options: Parameters<typeof makeWorld>[0] = {}): World & { readonly user: FakeUser } {
  const world = makeWorld(options)
  const user = new FakeUser()
  world.open()
  world.stream.authenticate(ROMEO)
  world.open()
  world.stream.bind(ROMEO.withResource('orchard'), user)
  return { ...world, user }
}

t.test('answers a header with its own, then with features', async (t) => {
  const { transport } = makeWorld()
  transport.receive(HEADER.replace(' to=', ` from='romeo@verona.example/orchard' xml:lang='it' to=`))
  t.equal(
    transport.take(),
    `<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='${NS_STREAM}' id='id1' ` +
      `from='verona.example' to='romeo@verona.example' version='1.0' xml:lang='it'>${FEATURES}`,
    'to the bare JID (RFC 6120 §4.7.2)',
  )
})

t.test('refuses headers, after one of its own (RFC 6120 §4.9.1.2)', async (t) => {
  const refused: readonly (readonly [condition: string, header: string])[] = [
    ['improper-addressing', HEADER.replace(` to='verona.example'`, '')],
    ['host-unknown', HEADER.replace('verona.example', 'padua.example')],
    ['host-unknown', HEADER.replace('verona.example', '')],
    ['host-unknown', HEADER.replace('verona.example', '__proto__')],
    ['unsupported-version', HEADER.replace(` version='1.0'>`, '>')],
    ['unsupported-version', HEADER.replace(`version='1.0'>`, `version='0.9'>`)],
    ['unsupported-version', HEADER.replace(`version='1.0'>`, `version='00.1'>`)],
    ['unsupported-version', HEADER.replace(`version='1.0'>`, `version='one'>`)],
    ['unsupported-version', HEADER.replace(`version='1.0'>`, `version=''>`)],
    ['invalid-namespace', HEADER.replace(NS_STREAM, 'urn:streams')],
    ['invalid-namespace', HEADER.replace('jabber:client', 'jabber:server')],
    ['bad-namespace-prefix', HEADER.replace('<stream:stream', '<stream')],
    ['bad-format', HEADER.replace('<stream:stream', '<stream:flood')],
    ['unsupported-encoding', HEADER.replace(`'1.0'?>`, `'1.0' encoding='ISO-8859-1'?>`)],
    ['not-well-formed', `GET / HTTP/1.1\r\n\r\n`],
    ['not-well-formed', HEADER.replace(` to=`, ` to='verona.example' to=`)],
    ['restricted-xml', `<!DOCTYPE stream>${HEADER}`],
    ['policy-violation', HEADER.replace(` to=`, ` id='${'x'.repeat(9000)}' to=`)],
  ]
  for (const [condition, header] of refused) {
    const { transport, stream } = makeWorld()
    transport.receive(header)
    t.match(transport.written, /^<\?xml .*\?><stream:stream [^>]* from='verona.example' [^>]*><stream:error>/, header)
    t.match(transport.written, errorOf(condition), header)
    t.ok(transport.isEnded)
    t.ok(stream.closed)
  }
})

t.test('takes headers of versions to come, and prefixes of any name', async (t) => {
  for (const header of [
    HEADER.replace(`version='1.0'>`, `version='1.1'>`),
    HEADER.replace(`version='1.0'>`, `version='2'>`),
    HEADER.replaceAll('stream:', 's:').replace('xmlns:stream', 'xmlns:s'),
    `  \n${HEADER.slice(HEADER.indexOf('?>') + 2)}`,
  ]) {
    const { transport } = makeWorld()
    transport.receive(header)
    t.match(transport.written, FEATURES)
  }
})

t.test('goes on in the language of the header, if that is one', async (t) => {
  const { transport, stream } = makeWorld()
  transport.receive(HEADER.replace(' to=', ` xml:lang='${'x'.repeat(65)}' to=`))
  t.equal(stream.lang, undefined)
  t.match(transport.written, `xml:lang='en'`)
})

t.test('is for one domain only, however often it begins (CVE-2018-10847)', async (t) => {
  const { transport, stream, host, open } = makeWorld()
  open()
  stream.authenticate(ROMEO)
  t.match(open(), FEATURES)
  t.equal(stream.host, host)

  const again = makeWorld()
  again.open()
  again.stream.authenticate(ROMEO)
  again.transport.take()
  again.transport.receive(HEADER.replace('verona', 'mantua'))
  t.match(again.transport.written, errorOf('not-authorized'))
  t.not(again.stream.host, again.otherHost)
  t.ok(transport.written === '')
})

t.test('closes in every order (RFC 6120 §4.4)', async (t) => {
  await t.test('the peer first', async (t) => {
    const { transport, stream, host, ended, clock, open } = makeWorld()
    open()
    transport.receive('</stream:stream>')
    t.equal(transport.take(), '</stream:stream>')
    t.ok(transport.isEnded)
    transport.gone()
    t.same([host.closedStreams, ended], [[stream], [stream]])
    t.equal(clock.pending, 0)
    transport.gone()
    t.equal(ended.length, 1, 'once')
  })
  await t.test('we first: the peer has some time', async (t) => {
    const { transport, stream, clock, open } = makeWorld()
    open()
    stream.close()
    t.equal(transport.take(), '</stream:stream>')
    t.notOk(transport.isEnded)
    clock.advance(4_999)
    t.notOk(transport.isDestroyed)
    transport.receive('</stream:stream>')
    t.ok(transport.isEnded)
    t.equal(transport.take(), '', 'nothing is said twice')
    clock.advance(1)
    t.ok(transport.isDestroyed, 'the wire has to end, too')
  })
  await t.test('we first, with an error', async (t) => {
    const { transport, stream, open } = makeWorld()
    open()
    stream.close(new StreamError('reset', 'Come again', xml('soon', { xmlns: 'urn:soon' })))
    t.equal(
      transport.take(),
      `<stream:error><reset xmlns='urn:ietf:params:xml:ns:xmpp-streams'/>` +
        `<text xmlns='urn:ietf:params:xml:ns:xmpp-streams' xml:lang='en'>Come again</text>` +
        `<soon xmlns='urn:soon'/></stream:error></stream:stream>`,
    )
    t.ok(transport.isEnded)
    stream.close(new StreamError('conflict'))
    transport.receive('<<<')
    transport.listener.onWireEnd()
    t.equal(transport.take(), '')
    t.equal(stream.send(xml('late', { xmlns: 'urn:late' })), false)
  })
  await t.test('the peer ends the wire without a word', async (t) => {
    const { transport, open } = makeWorld()
    open()
    transport.listener.onWireEnd()
    t.equal(transport.take(), '</stream:stream>')
    t.ok(transport.isEnded)
  })
  await t.test('the peer has met an error', async (t) => {
    const { transport, open } = makeWorld()
    open()
    transport.receive(`<stream:error><bad-format xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>`)
    t.equal(transport.take(), '</stream:stream>', 'which is not answered with another (RFC 6120 §4.9.1.1)')
    t.ok(transport.isEnded)
  })
  await t.test('the wire breaks', async (t) => {
    const { transport, host, clock, stream, user } = boundWorld()
    transport.gone()
    t.same(host.closedStreams, [stream])
    transport.receive(`<message/>`)
    t.equal(user.received.length, 0)
    t.equal(clock.pending, 0)
  })
  await t.test('over WebSocket, with frames of its own (RFC 7395 §3.6)', async (t) => {
    const { transport, open } = makeWorld({ kind: 'websocket' })
    t.match(open(), /^<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' id='id1'/)
    transport.receive(`<close xmlns='urn:ietf:params:xml:ns:xmpp-framing'/>`)
    t.equal(transport.take(), `<close xmlns='urn:ietf:params:xml:ns:xmpp-framing'/>`)
  })
})

t.test('gives a peer 30 seconds to log in, whatever it does meanwhile', async (t) => {
  const { transport, stream, clock, open } = makeWorld()
  clock.advance(10_000)
  open()
  stream.authenticate(ROMEO)
  open()
  clock.advance(19_999)
  t.notOk(stream.closed)
  clock.advance(1)
  t.match(transport.take(), errorOf('connection-timeout'))

  const silent = makeWorld()
  silent.clock.advance(30_000)
  t.match(silent.transport.written, errorOf('connection-timeout'), 'also if it has never said anything')

  const bound = boundWorld()
  bound.clock.advance(3_600_000)
  t.notOk(bound.stream.closed)
  t.equal(bound.clock.pending, 0)
})

t.test('does not come back once its wire is gone, whoever it turns out to be', async (t) => {
  const { transport, stream, host, ended, clock, open } = makeWorld()
  const checked = Promise.withResolvers<void>()
  host.onAsk = async (one) => {
    await checked.promise
    one.authenticate(ROMEO)
  }
  open()
  transport.receive(`<ask xmlns='urn:ask'/>${HEADER}<iq id='bind'/>`)
  transport.gone()
  checked.resolve()
  await new Promise(setImmediate)
  t.ok(stream.closed)
  t.same(host.early, [])

  stream.bind(ROMEO.withResource('orchard'), new FakeUser())
  await new Promise(setImmediate)
  t.same(host.closedStreams, [stream, stream], 'who binds it hears that it is gone')
  t.same(ended, [stream])
  t.equal(clock.pending, 0)
})

t.test('turns to TLS and begins anew', async (t) => {
  const { transport, stream, host, open } = makeWorld()
  host.onAsk = (one, element) => one.startTls(xml('proceed', { xmlns: element.ns }))
  open()
  t.ok(stream.needsTls)
  transport.receive(`<ask xmlns='urn:ask'/>`)
  t.equal(transport.take(), `<proceed xmlns='urn:ask'/>`)
  t.ok(transport.isPaused)
  transport.tls.resolve()
  await new Promise(setImmediate)
  t.notOk(transport.isPaused)
  t.same([...stream.facts], ['secure'])
  t.notOk(stream.needsTls)
  t.match(open(), FEATURES)
})

t.test('takes nothing that was sent behind the request for TLS', async (t) => {
  for (const behind of ['<iq/>', '<', '\u00e9', HEADER]) {
    const { transport, host, open } = makeWorld()
    host.onAsk = (one) => one.startTls(xml('proceed', { xmlns: 'urn:ask' }))
    open()
    transport.receive(`<ask xmlns='urn:ask'/>${behind}`)
    await new Promise(setImmediate)
    t.match(transport.written, errorOf('policy-violation'), behind)
    t.notMatch(transport.written, 'proceed')
  }
  const { transport, host, open } = makeWorld()
  host.onAsk = (one) => one.startTls(xml('proceed', { xmlns: 'urn:ask' }))
  open()
  transport.receive(`<ask xmlns='urn:ask'/>\r\n`)
  t.match(transport.take(), 'proceed', 'white space is nothing')
})

t.test('says nothing in the middle of a TLS handshake', async (t) => {
  const { transport, stream, clock, ended } = makeWorld()
  void stream.secure()
  clock.advance(30_000)
  t.equal(transport.written, '')
  t.ok(transport.isDestroyed, 'but it may not take too long')
  transport.tls.reject(new Error('gone'))
  transport.gone()
  await new Promise(setImmediate)
  t.same(ended, [stream])
  t.equal(clock.pending, 0)

  const stopped = makeWorld()
  void stopped.stream.secure()
  stopped.stream.close(new StreamError('system-shutdown'))
  t.equal(stopped.transport.written, '')
  t.ok(stopped.transport.isDestroyed)
})

t.test('waits for a handler that waits, and keeps the order', async (t) => {
  const { transport, host, open } = makeWorld()
  const waiting = Promise.withResolvers<void>()
  host.onAsk = () => waiting.promise
  open()
  transport.receive(`<ask xmlns='urn:ask'/><iq id='1'/><iq id='2'/>`)
  t.ok(transport.isPaused)
  transport.receive(`<iq id='3'/>`)
  t.equal(host.early.length, 0)
  waiting.resolve()
  await new Promise(setImmediate)
  t.same(
    host.early.map(({ id }) => id),
    ['1', '2', '3'],
  )
  t.notOk(transport.isPaused)
})

t.test('may be paused by several, and again while it goes on', async (t) => {
  const { transport, stream, user } = boundWorld()
  stream.pause()
  stream.pause()
  transport.receive(`<message id='1'/>`)
  stream.resume()
  t.ok(transport.isPaused)
  t.equal(user.received.length, 0)
  user.receive = (stanza) => {
    user.received.push(stanza)
    stream.pause()
  }
  transport.receive(`<message id='2'/>`)
  stream.resume()
  t.equal(user.received.length, 1)
  t.ok(transport.isPaused, 'the first message has paused it')
  stream.resume()
  t.equal(user.received.length, 2)
  stream.resume()
  t.notOk(transport.isPaused)
})

t.test('reads slowly from a peer that sends fast, and loses nothing', async (t) => {
  const { transport, clock, user } = boundWorld({ limits: { bytes: { perSecond: 1000, burst: 2000 } } })
  const message = `<message id='1'>${' '.repeat(977)}</message>`
  for (let i = 0; i < 4; i++) transport.receive(message)
  t.equal(user.received.length, 4, 'what has come is dealt with')
  t.ok(transport.isPaused)
  clock.advance(1_000)
  t.ok(transport.isPaused)
  transport.receive(message)
  clock.advance(2_000)
  t.ok(transport.isPaused, 'what was on its way counts')
  clock.advance(1_000)
  t.notOk(transport.isPaused)
  t.equal(user.received.length, 5)

  transport.receive(message.repeat(9))
  t.ok(transport.isPaused)
  t.ok(clock.pending > 0)
  transport.gone()
  t.equal(clock.pending, 0, 'no timer is left')
})

t.test('counts frames that carry nothing', async (t) => {
  const { transport } = boundWorld({ kind: 'websocket', limits: { bytes: { perSecond: 10, burst: 1000 } } })
  for (let i = 0; i < 120; i++) transport.listener.onIdleBytes(8)
  t.ok(transport.isPaused)
})

t.test('lets go of a peer that does not read', async (t) => {
  const { transport, stream } = boundWorld()
  transport.take()
  transport.backlog = 100_000
  t.ok(stream.send(xml('a', { xmlns: 'urn:a' })))
  t.notOk(stream.closed)
  transport.backlog++
  stream.send(xml('a', { xmlns: 'urn:a' }))
  t.match(transport.written, errorOf('resource-constraint'))
  t.ok(transport.isDestroyed)
})

t.test('survives its handlers', async (t) => {
  const { transport, host, errors, open } = makeWorld()
  host.onAsk = () => {
    throw new TypeError('oops')
  }
  open()
  transport.receive(`<ask xmlns='urn:ask'/>`)
  t.match(transport.take(), errorOf('internal-server-error'))
  t.equal(errors.length, 1)

  const later = makeWorld()
  later.host.onAsk = () => Promise.reject(new TypeError('oops'))
  later.open()
  later.transport.receive(`<ask xmlns='urn:ask'/>`)
  await new Promise(setImmediate)
  t.match(later.transport.take(), errorOf('internal-server-error'))
  t.equal(later.errors.length, 1)

  const refused = makeWorld()
  refused.host.onAsk = () => Promise.reject(new StreamError('conflict'))
  refused.open()
  refused.transport.receive(`<ask xmlns='urn:ask'/>`)
  await new Promise(setImmediate)
  t.match(refused.transport.take(), errorOf('conflict'))
  t.equal(refused.errors.length, 0, 'is no fault of ours')
})

t.test('refuses what nobody knows', async (t) => {
  const { transport, open } = makeWorld()
  open()
  transport.receive(`<constructor xmlns='__proto__'/>`)
  t.match(transport.take(), errorOf('unsupported-stanza-type'))
})

t.test('allows more to those who have logged in', async (t) => {
  const { transport, stream, open } = makeWorld()
  open()
  t.equal(stream.limits.stanzaBytes, 8192)
  stream.authenticate(ROMEO)
  open()
  t.equal(stream.limits.stanzaBytes, 262_144)
  transport.receive(`<message>${' '.repeat(100_000)}</message>`)
  t.notOk(stream.closed)

  const stranger = makeWorld()
  stranger.open()
  stranger.transport.receive(`<message>${' '.repeat(100_000)}`)
  t.match(stranger.transport.take(), errorOf('policy-violation'))
})
