import { once } from 'node:events'
import net, { type AddressInfo } from 'node:net'
import t, { type Test } from 'tap'
import type { Log } from '../../../server/log/log.ts'
import { HttpServer, type HttpLimits } from '../../../server/net/http-server.ts'
import { RawClient } from '../stream/raw-client.ts'

async function setup(t: Test, limits?: HttpLimits) {
  const errors: string[] = []
  const log: Log = { debug() {}, info() {}, warn() {}, error: (phrase) => void errors.push(phrase), child: () => log }
  const http = new HttpServer(log, limits)
  const sockets = net.createServer((socket) => http.take(socket)).listen(0, '127.0.0.1')
  await once(sockets, 'listening')
  t.teardown(() => {
    http.close()
    sockets.close()
  })
  const { port } = sockets.address() as AddressInfo
  const get = async (path: string, extra = ''): Promise<string> => {
    const client = await RawClient.connect({ port })
    client.send(`GET ${path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n${extra}\r\n`)
    return client.rest()
  }
  return { http, port, get, errors }
}

t.test('gives requests to whoever serves the longest path', async (t) => {
  const { http, get, errors } = await setup(t)
  const routes = ['/', '/files', '/files/secret'].map((path) =>
    http.route(path, (_, response, rest) => void response.end(`[${path}] [${rest}]`)),
  )
  t.match(await get('/other?query'), '[/] [other]')
  t.match(await get('/files'), '[/files] []')
  t.match(await get('/filesystem'), '[/] [filesystem]')
  t.match(await get('/files/a/b?c=d'), '[/files] [/a/b]')
  t.match(await get('/files/secret/x'), '[/files/secret] [/x]')
  t.throws(() => http.route('/files', () => {}), /two modules/)
  for (const route of routes) route[Symbol.dispose]()
  t.match(await get('/files'), 'HTTP/1.1 404 ')

  http.route('/throws', () => {
    throw new TypeError('oops')
  })
  http.route('/rejects', async (_, response) => {
    response.write('half of it')
    throw new TypeError('oops')
  })
  t.match(await get('/throws'), 'HTTP/1.1 500 ')
  t.notMatch(await get('/rejects'), /\r\n0\r\n\r\n$/, 'an answer that was begun is broken off')
  t.same(errors, ['http handler failed', 'http handler failed'])
})

t.test('gives connections to whoever takes them over', async (t) => {
  const { http, port, get } = await setup(t)
  const asking = 'Connection: upgrade\r\nUpgrade: xmpp\r\n'
  http.upgrade('/xmpp', (_, socket, head) => void socket.end(`HTTP/1.1 101 Yes\r\n\r\n${String(head)}`))
  t.match(await get('/xmpp?a=b', asking), 'HTTP/1.1 101 Yes')
  t.match(await get('/nowhere', asking), 'HTTP/1.1 404 ')
  t.match(await get('/xmpp'), 'HTTP/1.1 426 ', 'and to nobody who does not ask')

  http.upgrade('/late', (_, socket) => {
    client.socket.resetAndDestroy()
    setImmediate(() => socket.write('x'.repeat(1_000_000)))
    socket.on('close', () => gone.resolve())
  })
  const gone = Promise.withResolvers<void>()
  const client = await RawClient.connect({ port })
  client.send(`GET /late HTTP/1.1\r\nHost: localhost\r\n${asking}\r\n`)
  await gone.promise
  t.pass('a client that breaks off harms nobody')
})

t.test('does not wait for ever', async (t) => {
  const { http, port } = await setup(t, { headerSeconds: 0.2, requestSeconds: 0.4, lookSeconds: 0.05 })
  http.route('/', async (request, response) => {
    for await (const _ of request) t.fail('nothing of the body should come')
    response.end()
  })
  const silent = await RawClient.connect({ port })
  const slow = await RawClient.connect({ port })
  slow.send('GET / HTTP/1.1\r\nHost: localhost\r\nX: ')
  const dripping = setInterval(() => slow.send('x'), 20)
  const withoutBody = await RawClient.connect({ port })
  withoutBody.send('POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\n')
  t.match(await silent.rest(), /^HTTP\/1.1 408 /)
  t.match(await slow.rest(), /^HTTP\/1.1 408 /, 'also if something comes all the time')
  clearInterval(dripping)
  t.match(await withoutBody.rest(), /^HTTP\/1.1 408 /)
})

t.test('refuses what two parsers may read differently', async (t) => {
  const { http, port } = await setup(t)
  http.route('/', (_, response) => void response.end('taken'))
  for (const head of [
    'Content-Length: 1\r\nTransfer-Encoding: chunked',
    'Content-Length: 1\r\nContent-Length: 2',
    'Transfer-Encoding: chunked, identity',
    'X : y',
    `X: ${'y'.repeat(20_000)}`,
  ]) {
    const client = await RawClient.connect({ port })
    client.send(`POST / HTTP/1.1\r\nHost: localhost\r\n${head}\r\n\r\n0\r\n\r\n`)
    t.match(await client.rest(), /^HTTP\/1.1 4\d\d /, head.slice(0, 60))
  }
})

t.test('ends what is under way when it is closed', async (t) => {
  const { http, port } = await setup(t)
  const asked = Promise.withResolvers<void>()
  http.route('/', () => asked.resolve())
  const client = await RawClient.connect({ port })
  client.send('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await asked.promise
  http.close()
  t.equal(await client.rest(), '')
})
