/** What another configuration changes while clients are there. */
import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import t, { type Test } from 'tap'
import { t as options } from '../../server/config/types.ts'
import { type AnyModule, defineModule } from '../../server/host/module.ts'
import { type OwnServer, startOwnServer } from '../support/own-server.ts'
import { Wire } from '../support/wire.ts'

async function start(t: Test, config = ''): Promise<{ own: OwnServer; client: (port?: number) => Wire }> {
  const own = await startOwnServer({ config })
  t.teardown(() => own[Symbol.asyncDispose]())
  await own.accounts('localhost').create('romeo', 'secret')
  const client = (port = own.ports.c2s): Wire => {
    const wire = new Wire(port)
    t.teardown(() => wire.drop())
    return wire
  }
  return { own, client }
}

const VERSION = `<iq type='get' id='v' to='localhost'><query xmlns='jabber:iq:version'/></iq>`
const HUGE = `<message to='localhost' id='huge'><body>${'a'.repeat(20_000)}</body></message>`

t.test('nothing is changed by the same again', async (t) => {
  const { own } = await start(t)
  t.strictSame(await own.reload(''), { applied: [], needsRestart: [] })
})

t.test('modules come, change and go under a client that stays', async (t) => {
  const { own, client } = await start(t, 'modules: { version: false }')
  const romeo = client()
  await romeo.enter('romeo', 'secret', 'orchard')
  const ask = async (): Promise<string> => {
    romeo.write(VERSION)
    return romeo.until(/id='v'.*?<\/iq>/)
  }
  t.match(await ask(), 'service-unavailable')
  t.match((await own.reload('modules: { version: {} }')).applied.join(), 'version')
  const told = await ask()
  t.match(told, '<name>Madrigal</name>')
  t.notMatch(told, '<os>')
  await own.reload('modules: { version: { show_os: true } }')
  t.match(await ask(), '<os>')
  await own.reload('modules: { version: false }')
  t.match(await ask(), 'service-unavailable')
})

t.test('hosts come and go', async (t) => {
  const { own, client } = await start(t)
  await own.reload('hosts: { localhost: {}, verona.localhost: {} }')
  await own.accounts('verona.localhost').create('escalus', 'secret')
  t.match(await client().open(undefined, 'verona.localhost'), '<mechanism>')
  await own.reload('hosts: { localhost: {} }')
  const late = client()
  await t.rejects(late.open(undefined, 'verona.localhost'), /host-unknown/)
})

t.test('who is on a host that goes is told so, and nobody else is', async (t) => {
  const { own, client } = await start(t, 'hosts: { localhost: {}, verona.localhost: {} }')
  const romeo = client()
  await romeo.enter('romeo', 'secret', 'orchard')
  await own.accounts('verona.localhost').create('escalus', 'secret')
  const escalus = client()
  await escalus.enter('escalus', 'secret', 'palace', 'verona.localhost')
  const stranger = client()
  await stranger.open(undefined, 'verona.localhost')
  await own.reload('hosts: { localhost: {} }')
  t.match(await stranger.until(/<\/stream:stream>/), 'host-gone')
  t.match(await escalus.until(/<\/stream:stream>/), 'host-gone')
  romeo.write(VERSION)
  t.match(await romeo.until(/id='v'.*?<\/iq>/), `type='result'`)
})

t.test('what clients may send is what the configuration says now', async (t) => {
  const { own, client } = await start(t)
  const romeo = client()
  await romeo.enter('romeo', 'secret', 'orchard')
  romeo.write(HUGE + VERSION)
  await romeo.until(/id='v'.*?<\/iq>/)
  const { applied } = await own.reload('c2s: { stanza_size: 10000, pre_auth_stanza_size: 10000 }')
  t.strictSame(applied, ['c2s.stanza_size changed', 'c2s.pre_auth_stanza_size changed'])
  const other = client()
  await other.enter('romeo', 'secret', 'garden')
  other.write(HUGE)
  t.match(await other.until(/<\/stream:stream>/), 'policy-violation')
})

t.test('listeners open and close; who came in by one that closes stays', async (t) => {
  const { own, client } = await start(t)
  const romeo = client()
  await romeo.enter('romeo', 'secret', 'orchard')
  const { applied } = await own.reload(`listen: { c2s: [], c2s_tls: ['127.0.0.1:0'], http: ['127.0.0.1:0'] }`)
  t.strictSame(applied, ['no longer listening on 127.0.0.1:0 (c2s)'])
  t.strictSame(
    own.server.front.listeners.map(({ entrance }) => entrance),
    ['c2s_tls', 'http'],
  )
  await t.rejects(client().open())
  romeo.write(VERSION)
  t.match(await romeo.until(/id='v'.*?<\/iq>/), `type='result'`)
})

t.test('a port that is taken is said, and opened by the next reload that finds it free', async (t) => {
  const { own } = await start(t)
  const other = createServer().listen(0, '127.0.0.1')
  await once(other, 'listening')
  const { port } = other.address() as AddressInfo
  const listen = `listen: { c2s: ['127.0.0.1:0', '127.0.0.1:${port}'], c2s_tls: ['127.0.0.1:0'], http: ['127.0.0.1:0'] }`
  const config = `${listen}\nmodules: { version: false }`
  const { applied } = await own.reload(config)
  t.match(applied.join(), `127.0.0.1:${port} is taken by another program`)
  t.match(applied.join(), 'module version unloaded', 'the rest was done')
  other.close()
  await once(other, 'close')
  t.strictSame((await own.reload(config)).applied, [`listening on 127.0.0.1:${port} (c2s)`])
})

t.test('what cannot be set up is said, and the rest is done', async (t) => {
  const picky = defineModule({
    name: 'picky',
    about: 'cannot be set up in a bad mood',
    on: [],
    config: { mood: options.oneOf('good', 'bad') },
    setup(host, { config: { mood } }) {
      if (mood === 'bad') throw new Error('no')
      host.feature(`urn:example:${mood}`)
    },
  })
  const own = await startOwnServer({
    config: 'hosts: { localhost: { modules: { picky: { mood: good } } } }',
    modules: [picky],
  })
  t.teardown(() => own[Symbol.asyncDispose]())
  const features = (): readonly string[] => [...own.server.hosts.get('localhost')!.host.provisions.items('feature')]
  const bad = `required_modules: [picky]\nhosts: { localhost: { modules: { picky: { mood: bad }, version: false } }`
  const { applied } = await own.reload(
    `${bad}, verona.localhost: { modules: { picky: { mood: bad } } }, mantua.localhost: {} }`,
  )
  t.strictSame(applied, [
    'host verona.localhost FAILED: the log says why',
    'host mantua.localhost added',
    'localhost: module version unloaded',
    'localhost: module picky FAILED: the log says why',
    'required_modules changed',
  ])
  t.ok(features().includes('urn:example:good'), 'it goes on as it was')
  t.equal(own.server.hosts.get('verona.localhost'), undefined)
})

t.test('modules that come together are set up behind those that they need', async (t) => {
  const needed = defineModule({ name: 'needed', about: 'nothing', on: [], setup() {} })
  // The names are of these modules only, and no service is used.
  const needing = { ...needed, name: 'a_needing', depends: ['needed'] } as unknown as AnyModule
  const own = await startOwnServer({ modules: [needed, needing] })
  t.teardown(() => own[Symbol.asyncDispose]())
  const { applied } = await own.reload('hosts: { localhost: { modules: [a_needing, needed] } }')
  t.match(applied.slice(-2), ['localhost: module needed loaded', 'localhost: module a_needing loaded'])
})

t.test('guests come where there were accounts, and the other way round', async (t) => {
  const { own, client } = await start(t, 'hosts: { localhost: {} }')
  const { applied } = await own.reload(`hosts: { localhost: { anonymous: true, admins: ['romeo@localhost'] } }`)
  t.strictSame(applied.slice(0, 2), ['localhost: admins changed', 'localhost: anonymous changed'])
  t.match(await client().open(), '<mechanism>ANONYMOUS</mechanism>')
  await own.reload('hosts: { localhost: {} }')
  await client().enter('romeo', 'secret', 'orchard')
})

t.test('one reload after another, however quickly they come', async (t) => {
  const [one, two] = ['hosts: { localhost: {} }', 'hosts: { localhost: {}, verona.localhost: {} }']
  const { own } = await start(t, one)
  const reloads = await Promise.all([two, one, two, one].map((config) => own.reload(config)))
  const [added, removed] = [['host verona.localhost added'], ['host verona.localhost removed']]
  t.strictSame(
    reloads.map(({ applied }) => applied),
    [added, removed, added, removed],
  )
})

t.test('what holds only after a restart is said', async (t) => {
  const { own } = await start(t)
  const { applied, needsRestart } = await own.reload('storage: { driver: memory }')
  t.strictSame({ applied, needsRestart }, { applied: [], needsRestart: ['storage.driver'] })
})
