/** Servers for calls (XEP-0215): credentials, who gets them, and what clients hear of changes. */
import { createHmac } from 'node:crypto'
import t, { type Test } from 'tap'
import { credentialsFor } from '../../modules/mod_external_services/credentials.ts'
import { type ExternalService, changesBetween } from '../../modules/mod_external_services/services.ts'
import { Secret } from '../../server/config/secret.ts'
import { Jid } from '../../server/jid/jid.ts'
import { Stanza } from '../../server/xml/stanza.ts'
import { AccountWorld } from '../support/account-world.ts'
import { startOwnServer } from '../support/own-server.ts'
import { Wire } from '../support/wire.ts'

const NS = 'urn:xmpp:extdisco:2'
const romeo = Jid.parse('romeo@verona.example/orchard')

t.test('credentials of TURN are what coturn computes', async (t) => {
  const access = { kind: 'made', secret: new Secret('sesame') } as const
  const { username = '', password, expires } = credentialsFor(access, romeo, 1_767_225_600_999)
  t.match(username, /^1767225600:[\w-]{16}$/)
  t.equal(password, createHmac('sha1', 'sesame').update(username).digest('base64'))
  t.equal(expires, '2026-01-01T00:00:00.000Z')
  const again = credentialsFor(access, Jid.parse('romeo@verona.example/garden'), 1_767_225_600_000)
  t.equal(again.username, username, 'the same for each client of an account')
  t.not(credentialsFor(access, Jid.parse('juliet@verona.example'), 1_767_225_600_000).username, username)
  t.notMatch(username, /romeo/)
})

t.test('changes: what has come, what has gone, what is otherwise', async (t) => {
  const service = (host: string, others: Partial<ExternalService> = {}): ExternalService => ({
    type: 'turn',
    host,
    port: 1,
    transport: 'udp',
    name: undefined,
    access: undefined,
    ...others,
  })
  const made = (secret: string) => ({ kind: 'made', secret: new Secret(secret) }) as const
  const fixed = (password: string) => ({ kind: 'fixed', username: 'u', password: new Secret(password) }) as const
  const told = (before: readonly ExternalService[], after: readonly ExternalService[]): readonly string[] =>
    changesBetween(before, after).map(({ action, service: { host } }) => `${action} ${host}`)
  t.same(told([service('a'), service('b')], [service('b'), service('c')]), ['delete a', 'add c'])
  t.same(told([service('a')], [service('a', { port: 2 })]), ['delete a', 'add a'])
  t.same(told([service('a')], [service('a', { name: 'A' })]), ['modify a'])
  t.same(told([service('a', { access: made('x') })], [service('a', { access: made('x') })]), [])
  t.same(told([service('a', { access: made('x') })], [service('a', { access: made('y') })]), ['modify a'])
  t.same(told([service('a', { access: fixed('x') })], [service('a', { access: fixed('x') })]), [])
  t.same(told([service('a', { access: fixed('x') })], [service('a', { access: fixed('y') })]), ['modify a'])
  t.same(told([service('a', { access: fixed('x') })], [service('a', { access: made('x') })]), ['modify a'])
  t.same(told([service('a')], [service('a', { access: made('x') })]), ['modify a'])
})

t.test('strangers learn nothing', async (t) => {
  const modules = '{ external_services: { turn: { host: turn.example, secret: sesame } } }'
  await using world = await AccountWorld.open({ modules })
  for (const payload of [
    `<services xmlns='${NS}'/>`,
    `<credentials xmlns='${NS}'><service type='turn' host='turn.example'/></credentials>`,
  ]) {
    const request = Stanza.parse(`<iq type='get' id='x' from='a@elsewhere.example/x' to='localhost'>${payload}</iq>`)
    await t.rejects(world.deliver(request), /For clients of this server only/)
  }
})

const WITH = (turn: string, secret = 'sesame', services = ''): string =>
  `modules: { external_services: { turn: { host: ${turn}, secret: ${secret} }, services: [${services}] } }`

async function begin(t: Test, config: string) {
  const own = await startOwnServer({ config })
  t.teardown(() => own[Symbol.asyncDispose]())
  const wire = new Wire(own.ports.c2s)
  t.teardown(() => wire.drop())
  await own.accounts('localhost').create('romeo', 'password')
  await wire.enter('romeo', 'password', 'orchard')
  const ask = async (type: string): Promise<string> => {
    wire.write(`<iq type='get' id='ask' to='localhost'><services xmlns='${NS}'${type}/></iq>`)
    return wire.until(/id='ask'.*<\/iq>/)
  }
  return { own, wire, ask }
}

t.test('who has asked is told of changes, once', async (t) => {
  const { own, wire, ask } = await begin(t, WITH('one.example'))
  // Nobody has asked yet.
  await own.reload(WITH('two.example'))
  await ask(` type='turn'`)
  await own.reload(WITH('three.example', 'sesame', '{ type: stun, host: other.example }'))
  const push = await wire.until(/<iq [^>]*type='set'.*<\/iq>/)
  t.match(push, `<services xmlns='${NS}' type='turn'>`)
  t.match(push, `<service action='delete' host='two.example' type='turn' transport='tcp' port='3478'/>`)
  t.match(
    push,
    /<service action='add' host='three.example' type='turn' transport='udp' port='3478' restricted='1' username='\d+:[^']+' password='[^']+' expires='[^']+'\/>/,
  )
  t.notMatch(push, 'stun')
  t.notMatch(push, 'one.example')
  wire.write(`<iq type='result' id='${/ id='([^']+)'/.exec(push)?.[1]}' to='localhost'/>`)

  await own.reload(WITH('three.example', 'other'))
  t.match(await wire.until(/<iq [^>]*type='set'.*<\/iq>/), /^<iq [^>]*><services [^>]*><service action='modify'/)
  // What has changed is of no concern.
  await own.reload(WITH('three.example', 'other', '{ type: stun, host: third.example }'))
  t.match(await ask(''), /^<iq [^>]*id='ask'/)
})

t.test('wrong options', async (t) => {
  for (const services of [
    '[{ type: turn }]',
    '[{ type: turn, host: a, secret: x, username: y }]',
    '[{ type: turn, host: a, transport: sctp }]',
    '[{ type: turn, host: a, secret: { env: MADRIGAL_NO_SUCH } }]',
  ]) {
    await t.rejects(startOwnServer({ config: `modules: { external_services: { services: ${services} } }` }), services)
  }
})
