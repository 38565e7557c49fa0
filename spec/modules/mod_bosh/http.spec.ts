/** BOSH over HTTP, with what browsers and strangers send. */
import t, { type Test } from 'tap'
import { startOwnServer } from '../../support/own-server.ts'

const NS_BODY = 'http://jabber.org/protocol/httpbind'

async function start(t: Test, config = ''): Promise<(body: string, init?: RequestInit) => Promise<Response>> {
  const own = await startOwnServer({ config })
  t.teardown(() => own[Symbol.asyncDispose]())
  return (body, init = {}) => fetch(`http://127.0.0.1:${own.ports.http}/http-bind`, { method: 'POST', body, ...init })
}

const body = (attributes: string, content = ''): string => `<body xmlns='${NS_BODY}' ${attributes}>${content}</body>`
const create = body(`rid='7' to='localhost' wait='5' hold='1' xmpp:version='1.0' xmlns:xmpp='urn:xmpp:xbosh'`)

t.test('a session begins with the features of the host', async (t) => {
  const post = await start(t)
  const response = await post(create)
  t.equal(response.headers.get('content-type'), 'text/xml; charset=utf-8')
  t.equal(response.headers.get('access-control-allow-origin'), '*')
  const text = await response.text()
  t.match(text, /sid='[\w-]{16}' wait='5' hold='1' requests='2'/)
  t.match(text, /<stream:features.*SCRAM-SHA-256.*<\/stream:features><\/body>$/)
  t.notMatch(text, '-PLUS')
})

t.test('an unknown host, a wrong version', async (t) => {
  const post = await start(t)
  const unknown = await (await post(body(`rid='7' to='elsewhere.example'`))).text()
  t.match(unknown, /type='terminate' condition='remote-stream-error'.*<host-unknown/)
  const old = body(`rid='7' to='localhost' xmpp:version='0.9' xmlns:xmpp='urn:xmpp:xbosh'`)
  t.match(await (await post(old)).text(), '<unsupported-version')
})

const wrong = {
  'no XML': 'hello',
  nothing: '',
  'something else': '<html/>',
  'no rid': body(`to='localhost'`),
  'a rid that is no number': body(`rid='-1' to='localhost'`),
  'a rid that is too large': body(`rid='9007199254740992' to='localhost'`),
  'text around payloads': body(`rid='7' to='localhost'`, 'text'),
  'a comment': body(`rid='7' to='localhost'`, '<!-- x -->'),
  'an entity': `<!DOCTYPE x [<!ENTITY y "z">]>${create}`,
  'two elements': create + create,
  'no UTF-8': '\ud800',
}
t.test('what is no request is refused, and nothing begins', async (t) => {
  const post = await start(t)
  for (const [name, text] of Object.entries(wrong)) {
    const response = await post(text)
    t.match(await response.text(), /<body [^>]*type='terminate' condition='bad-request'\/>/, name)
  }
  const stranger = await post(body(`rid='7' sid='unknown'`))
  t.match(await stranger.text(), `condition='item-not-found'`)
})

t.test('a stanza before login ends the stream, as everywhere', async (t) => {
  const post = await start(t)
  const [, sid] = /sid='([^']*)'/.exec(await (await post(create)).text()) ?? []
  const text = await (await post(body(`rid='8' sid='${sid}'`, `<message to='a@localhost'/>`))).text()
  t.match(text, /remote-stream-error.*<not-authorized/)
  t.match(await (await post(body(`rid='9' sid='${sid}'`))).text(), 'item-not-found')
})

t.test('what a stranger sends has a limit, and so has any request', async (t) => {
  const post = await start(t, 'modules: { bosh: { body_size: 20 KB } }')
  const [, sid] = /sid='([^']*)'/.exec(await (await post(create)).text()) ?? []
  const long = body(`rid='8' sid='${sid}'`, `<auth xmlns='urn:x'>${'a'.repeat(9000)}</auth>`)
  t.match(await (await post(long)).text(), '<policy-violation')
  const huge = await post('a'.repeat(30_000))
  t.equal(huge.status, 413)
})

t.test('browsers ask first; pages of other sites can be kept out', async (t) => {
  const post = await start(t, `modules: { bosh: { origins: ['https://chat.example'] } }`)
  const preflight = await post('', { method: 'OPTIONS', body: null, headers: { origin: 'https://chat.example' } })
  t.equal(preflight.status, 204)
  t.equal(preflight.headers.get('access-control-allow-origin'), 'https://chat.example')
  t.match(preflight.headers.get('access-control-allow-methods'), 'POST')
  t.equal((await post(create, { headers: { origin: 'https://evil.example' } })).status, 403)
  t.equal((await post(create, { headers: { origin: 'https://chat.example' } })).status, 200)
  t.equal((await post('', { method: 'GET', body: null })).status, 200)
  t.equal((await post('', { method: 'PUT' })).status, 405)
})
