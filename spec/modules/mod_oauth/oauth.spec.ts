import { generateKeyPair, UnsecuredJWT } from 'jose'
import { randomUUID } from 'node:crypto'
import t, { type Test } from 'tap'
import { Issuer } from '../../../modules/mod_oauth/issuer.ts'
import { JsonClient } from '../../../modules/mod_oauth/json-client.ts'
import { TokenJudge } from '../../../modules/mod_oauth/token-judge.ts'
import { systemClock } from '../../../server/util/clock.ts'
import { FakeClock } from '../../support/fake-clock.ts'
import { type OwnServer, startOwnServer } from '../../support/own-server.ts'
import { Wire } from '../../support/wire.ts'
import { FakeIssuer } from './fake-issuer.ts'

const SASL = "xmlns='urn:ietf:params:xml:ns:xmpp-sasl'"
const SASL2 = "xmlns='urn:xmpp:sasl:2'"
const base64 = (text: string): string => Buffer.from(text).toString('base64')
const bearer = (token: string, authzid = ''): string => base64(`n,${authzid},\x01auth=Bearer ${token}\x01\x01`)

interface Answered {
  readonly outcome: string
  readonly reason: Record<string, unknown> | undefined
}

interface Scene {
  readonly issuer: FakeIssuer
  readonly own: OwnServer
  /** Logs in over SASL2; what comes at last, and what was said before that. */
  readonly login: (token: string, authzid?: string) => Promise<Answered>
  readonly wire: () => Wire
}

async function scene(t: Test, options = ''): Promise<Scene> {
  const issuer = await FakeIssuer.start()
  t.teardown(() => issuer[Symbol.asyncDispose]())
  const log: string[] = []
  const own = await startOwnServer({
    config: `modules: { oauth: { issuer: '${issuer.url}', audience: [chat, other] ${options} } }`,
    log: { write: (line) => void log.push(line) },
  })
  t.teardown(() => own[Symbol.asyncDispose]())
  await own.accounts('localhost').create('juliet', 'secret')
  const wire = (): Wire => {
    const made = new Wire(own.ports.c2s)
    t.teardown(() => made.drop())
    return made
  }
  return {
    issuer,
    own,
    wire,
    async login(token, authzid) {
      const client = wire()
      await client.open()
      client.write(
        `<authenticate ${SASL2} mechanism='OAUTHBEARER'><initial-response>${bearer(token, authzid)}</initial-response>` +
          `<user-agent id='${randomUUID()}'/><bind xmlns='urn:xmpp:bind:0'/></authenticate>`,
      )
      const first = await client.until(/<\/(?:success|failure|challenge)>/)
      const told = /<challenge[^>]*>([^<]*)/.exec(first)?.[1]
      if (told === undefined) return { outcome: first, reason: undefined }
      client.write(`<response ${SASL2}>AQ==</response>`)
      const reason = JSON.parse(Buffer.from(told, 'base64').toString()) as Record<string, unknown>
      return { outcome: await client.until(/<\/(?:success|failure)>/), reason }
    },
  }
}

t.test('a good token lets in, in both profiles', async (t) => {
  const { issuer, login, wire } = await scene(t)
  t.match((await login(await issuer.token())).outcome, '<authorization-identifier>juliet@localhost/')
  t.match((await login(await issuer.token(), 'a=juliet@localhost')).outcome, '<success')
  t.match((await login(await issuer.token({ preferred_username: 'Juliet@LocalHost' }))).outcome, '<success')
  t.match((await login(await issuer.token({ aud: ['x', 'other'] }, { typ: 'JWT' }))).outcome, '<success', 'an id token')

  const old = wire()
  t.match(await old.open(), `<mechanism>OAUTHBEARER</mechanism><mechanism>PLAIN</mechanism>`)
  old.write(`<auth ${SASL} mechanism='OAUTHBEARER'/>`)
  await old.until(/<challenge[^>]*\/>|<\/challenge>/)
  old.write(`<response ${SASL}>${bearer(await issuer.token())}</response>`)
  await old.until(/<success/)
  t.equal(issuer.asked.length, 2, 'the issuer is asked once for what it is, and once for its keys')
})

t.test('whoever has none learns where to get one', async (t) => {
  const { issuer, login } = await scene(t, ', scope: xmpp')
  const { outcome, reason } = await login('')
  t.same(reason, {
    status: 'invalid_token',
    scope: 'xmpp',
    'openid-configuration': `${issuer.url}/.well-known/openid-configuration`,
  })
  t.match(outcome, '<credentials-expired')
  t.equal(issuer.asked.length, 0)
})

t.test('bad tokens', async (t) => {
  const { issuer, own, login } = await scene(t, ', scope: xmpp')
  await own.accounts('localhost').create('tybalt', 'secret')
  await own.accounts('localhost').update('tybalt', { disabled: true })
  const now = Math.floor(Date.now() / 1000)
  const { privateKey } = await generateKeyPair('ES256')
  const none = new UnsecuredJWT({ preferred_username: 'juliet' }).setIssuer(issuer.url).setAudience('chat')
  const good = await issuer.token()
  const bad: readonly (readonly [what: string, token: string, condition: string, status?: string])[] = [
    ['of another issuer', await issuer.token({ iss: 'https://elsewhere.example' }), 'not-authorized'],
    ['for somebody else', await issuer.token({ aud: 'shop' }), 'not-authorized'],
    ['for nobody', await issuer.token({ aud: undefined }), 'not-authorized'],
    ['too old', await issuer.token({ exp: now - 3600 }), 'credentials-expired'],
    ['never too old', await issuer.token({ exp: undefined }), 'not-authorized'],
    ['not good yet', await issuer.token({ nbf: now + 3600 }), 'not-authorized'],
    ['allows too little', await issuer.token({ scope: 'openid xmppx' }), 'not-authorized', 'insufficient_scope'],
    ['names nobody', await issuer.token({ preferred_username: undefined }), 'not-authorized'],
    ['names somebody unknown', await issuer.token({ preferred_username: 'ghost' }), 'not-authorized'],
    ['names no name', await issuer.token({ preferred_username: 'a b' }), 'not-authorized'],
    ['names another host', await issuer.token({ preferred_username: 'juliet@verona.example' }), 'not-authorized'],
    ['is no access token', await issuer.token({}, { typ: 'logout+jwt' }), 'not-authorized'],
    ['signed by somebody else', await issuer.token({}, { key: privateKey }), 'not-authorized'],
    ['not signed', none.setExpirationTime('5m').encode(), 'not-authorized'],
    ['changed', `${good.slice(0, -4)}AAAA`, 'not-authorized'],
    ['nobody can read', 'opaque', 'not-authorized'],
  ]
  for (const [what, token, condition, status = 'invalid_token'] of bad) {
    const { outcome, reason } = await login(token)
    t.match(outcome, `<${condition} `, what)
    t.equal(reason?.['status'], status, what)
  }
  t.match((await login(await issuer.token({ preferred_username: 'tybalt' }))).outcome, '<account-disabled')
  t.match((await login(good, 'a=romeo@localhost')).outcome, '<invalid-authzid', 'nobody acts as another')
  t.match((await login('?!')).outcome, '<malformed-request')
  t.match((await login(good)).outcome, '<success', 'and a good one is still good')
})

t.test('keys that change', async (t) => {
  const { issuer, login } = await scene(t)
  t.match((await login(await issuer.token())).outcome, '<success')
  await issuer.newKey()
  t.match((await login(await issuer.token())).outcome, '<not-authorized', 'not asked for more often than now and then')
  t.equal(issuer.asked.length, 2)
})

t.test('keys are asked for again when a token comes with another', async (t) => {
  const provider = await FakeIssuer.start()
  t.teardown(() => provider[Symbol.asyncDispose]())
  const clock = new FakeClock(Date.now())
  const json = new JsonClient(fetch, clock)
  const rules = { audience: ['chat'], scope: undefined, usernameClaim: 'preferred_username', domain: 'localhost' }
  const judge = new TokenJudge(new Issuer(provider.url, json, clock), rules, undefined, { json, clock })
  t.same(await judge.judge(await provider.token()), { username: 'juliet' })
  await provider.newKey()
  clock.advance(31_000)
  const token = await provider.token()
  t.same(await judge.judge(token), { username: 'juliet' })
  provider.fault = { status: 500, body: '' }
  clock.advance(2 * 3_600_000)
  t.same(await judge.judge(token), { refused: 'expired' }, 'the old keys hold while there are no new ones')
})

t.test('an issuer that does not answer, or not as it should', async (t) => {
  const faults = [
    { status: 500, body: '{}' },
    { status: 200, body: 'nonsense' },
    { status: 200, body: '{"issuer":7}' },
    { status: 200, body: 'x'.repeat(300_000) },
  ]
  for (const fault of faults) {
    const { issuer, login } = await scene(t)
    issuer.fault = fault
    t.match((await login(await issuer.token())).outcome, '<temporary-auth-failure')
    issuer.fault = undefined
    await login(await issuer.token())
    t.equal(issuer.asked.length, 1, 'it is left alone for a moment')
  }
  const { issuer, login } = await scene(t)
  issuer.alias = 'https://elsewhere.example'
  t.match((await login(await issuer.token())).outcome, '<temporary-auth-failure', 'it says that it is somebody else')
})

t.test('tokens that only the issuer can read', async (t) => {
  const options = ', introspection: { client_id: madrigal, client_secret: hush }'
  const { issuer, login } = await scene(t, options)
  const said = { active: true, preferred_username: 'juliet', client_id: 'chat' }
  issuer.opaque.set('good', said)
  issuer.opaque.set('foreign', { ...said, client_id: 'shop' })
  issuer.opaque.set('misdirected', { ...said, aud: ['shop'] })
  issuer.opaque.set('old', { ...said, exp: 1 })
  issuer.opaque.set('revoked', { ...said, active: false })
  t.match((await login('good')).outcome, '<success')
  for (const token of ['foreign', 'misdirected', 'old', 'revoked', 'unknown'])
    t.match((await login(token)).outcome, '<not-authorized', token)
})

t.test('an issuer that is asked about every token', async (t) => {
  const options = ', introspection: { client_id: madrigal, client_secret: hush, tokens: all }'
  const { issuer, login } = await scene(t, options)
  const token = await issuer.token()
  t.match((await login(token)).outcome, '<not-authorized', 'it was revoked')
  issuer.opaque.set(token, { active: true })
  t.match((await login(token)).outcome, '<success')
})

t.test('an account is made for whoever comes with a good token, if so configured', async (t) => {
  const { issuer, own, login } = await scene(t, ', create_accounts: true')
  t.match((await login(await issuer.token({ preferred_username: 'Rosaline' }))).outcome, 'rosaline@localhost/')
  t.same((await own.accounts('localhost').get('rosaline'))?.credentials, {}, 'it has no password')
  const wire = new Wire(own.ports.c2s)
  t.teardown(() => wire.drop())
  await wire.open()
  wire.write(`<auth ${SASL} mechanism='PLAIN'>${base64('\0rosaline\0secret')}</auth>`)
  t.match(await wire.until(/<\/failure>/), '<not-authorized')
})

t.test('names by address: only those that the issuer vouches for', async (t) => {
  const { issuer, login } = await scene(t, ', username_claim: email')
  t.match((await login(await issuer.token({ email: 'juliet@localhost' }))).outcome, '<not-authorized')
  t.match((await login(await issuer.token({ email: 'juliet@localhost', email_verified: true }))).outcome, '<success')
})

t.test('what was granted does not do what the owner of the account does', async (t) => {
  const { issuer, wire } = await scene(t)
  const client = wire()
  await client.open()
  client.write(
    `<authenticate ${SASL2} mechanism='OAUTHBEARER'><initial-response>${bearer(await issuer.token())}</initial-response>` +
      `<user-agent id='${randomUUID()}'/><request-token xmlns='urn:xmpp:fast:0' mechanism='HT-SHA-256-NONE'/>` +
      `<bind xmlns='urn:xmpp:bind:0'/></authenticate>`,
  )
  t.notMatch(await client.until(/<\/success>/), '<token', 'it gets no token that outlives the grant')
  await client.until(/<\/stream:features>/)
  const change = `<username>juliet</username><password>other</password>`
  for (const inside of [change, '<remove/>']) {
    client.write(`<iq type='set' id='r'><query xmlns='jabber:iq:register'>${inside}</query></iq>`)
    t.match(await client.until(/<\/iq>/), '<forbidden')
  }
  const publish = `<publish node='urn:xmpp:moved:1'><item id='current'/></publish>`
  client.write(`<iq type='set' id='m'><pubsub xmlns='http://jabber.org/protocol/pubsub'>${publish}</pubsub></iq>`)
  t.match(await client.until(/<\/iq>/), '<forbidden', 'nor does it send its owner away')
})

t.test('it is offered as soon as it is configured, and no longer', async (t) => {
  const { own, wire, issuer } = await scene(t)
  const offered = async (): Promise<boolean> => (await wire().open()).includes('OAUTHBEARER')
  t.equal(await offered(), true)
  const waiting = wire()
  await waiting.open()
  await own.reload('')
  t.equal(await offered(), false)
  waiting.write(`<auth ${SASL} mechanism='OAUTHBEARER'>${bearer(await issuer.token())}</auth>`)
  t.match(await waiting.until(/<\/failure>/), '<invalid-mechanism', 'nor to whoever has not begun')
  await own.reload(`modules: { oauth: { issuer: '${issuer.url}', audience: [chat] } }`)
  t.equal(await offered(), true)
})

t.test('an issuer that anybody could pretend to be is not asked', async (t) => {
  await t.rejects(new JsonClient(fetch, systemClock).ask('http://issuer.example/'), /is not https/)
})
