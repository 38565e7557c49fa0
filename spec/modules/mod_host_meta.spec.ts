/** Where web clients connect (XEP-0156), over HTTP. */
import t, { type Test } from 'tap'
import { startOwnServer } from '../support/own-server.ts'
import { RawClient } from '../server/stream/raw-client.ts'

const PATH = '/.well-known/host-meta'

async function start(t: Test, config = '') {
  const own = await startOwnServer({ config })
  t.teardown(() => own[Symbol.asyncDispose]())
  const { http: port } = own.ports
  /** `fetch` chooses the name by itself. */
  const ask = async (path: string, host: string, method = 'GET'): Promise<string> => {
    const client = await RawClient.connect({ port })
    client.send(`${method} ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)
    return client.rest()
  }
  return { own, port, ask }
}

t.test('both formats name both ways, encrypted, for pages of any site', async (t) => {
  const { port } = await start(t)
  const asXml = await fetch(`http://localhost:${port}${PATH}`)
  t.equal(asXml.status, 200)
  t.equal(asXml.headers.get('access-control-allow-origin'), '*')
  t.equal(asXml.headers.get('content-type'), 'application/xrd+xml; charset=utf-8')
  const xrd = await asXml.text()
  t.match(xrd, `<?xml version='1.0' encoding='utf-8'?>`)
  t.match(xrd, /<XRD xmlns='http:\/\/docs.oasis-open.org\/ns\/xri\/xrd-1.0'>/)
  t.match(xrd, `<Link rel='urn:xmpp:alt-connections:websocket' href='wss://localhost:${port}/xmpp-websocket'/>`)
  t.match(xrd, `<Link rel='urn:xmpp:alt-connections:xbosh' href='https://localhost:${port}/http-bind'/>`)

  const asJson = await fetch(`http://localhost:${port}${PATH}.json`)
  t.equal(asJson.headers.get('access-control-allow-origin'), '*')
  t.equal(asJson.headers.get('content-type'), 'application/json')
  const { links } = (await asJson.json()) as { links: readonly { rel: string }[] }
  t.same(
    links.toSorted((a, b) => a.rel.localeCompare(b.rel)),
    [
      { rel: 'urn:xmpp:alt-connections:websocket', href: `wss://localhost:${port}/xmpp-websocket` },
      { rel: 'urn:xmpp:alt-connections:xbosh', href: `https://localhost:${port}/http-bind` },
    ],
  )
})

t.test('only names that are ours are told', async (t) => {
  const { ask } = await start(
    t,
    'hosts: { verona.example: {}, münchen.example: {}, rooms.verona.example: { is: muc } }',
  )
  t.match(await ask(PATH, 'verona.example'), 'wss://verona.example/xmpp-websocket')
  t.match(await ask(PATH, 'Verona.example:443'), 'wss://verona.example/xmpp-websocket')
  t.match(await ask(PATH, 'verona.example:8443'), 'wss://verona.example:8443/xmpp-websocket')
  t.match(await ask(PATH, 'xn--mnchen-3ya.example'), 'wss://xn--mnchen-3ya.example/xmpp-websocket')
  for (const host of [
    'elsewhere.example',
    '127.0.0.1:5280',
    'x@verona.example',
    '[::1]',
    'verona.example/x',
    ':',
    '',
  ]) {
    const answer = await ask(PATH, host)
    t.match(answer, 'HTTP/1.1 404', host)
    t.match(answer, /access-control-allow-origin: \*/)
  }
})

t.test('behind a proxy, the name is that of the proxy', async (t) => {
  const { ask, own } = await start(t, 'modules: { host_meta: { url: "https://chat.verona.example/xmpp/" } }')
  const answer = await ask(`${PATH}.json`, '127.0.0.1:5280')
  t.match(answer, '"wss://chat.verona.example/xmpp/xmpp-websocket"')
  t.match(answer, '"https://chat.verona.example/xmpp/http-bind"')
  await own.reload(
    'modules: { host_meta: { url: "https://chat.verona.example" }, bosh: false, websocket: { path: /ws } }',
  )
  t.match(
    await ask(`${PATH}.json`, 'x'),
    '{"links":[{"rel":"urn:xmpp:alt-connections:websocket","href":"wss://chat.verona.example/ws"}]}',
  )
  await t.rejects(startOwnServer({ config: 'modules: { host_meta: { url: "http://x.example" } }' }), /https/)
})

t.test('nothing else is done there', async (t) => {
  const { ask } = await start(t)
  t.match(await ask(PATH, 'localhost', 'POST'), /HTTP\/1.1 405[^]*allow: GET, HEAD, OPTIONS/)
  t.match(await ask(PATH, 'localhost', 'OPTIONS'), /HTTP\/1.1 204[^]*access-control-allow-methods/)
  t.notMatch(await ask(PATH, 'localhost', 'HEAD'), 'Link')
  t.match(await ask(`${PATH}/x`, 'localhost'), 'HTTP/1.1 404')
})
