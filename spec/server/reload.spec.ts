/** What another configuration changes while clients are there. */
import t, { type Test } from 'tap'
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
  t.strictSame(applied, ['listeners changed'])
  t.strictSame(
    own.server.front.listeners.map(({ entrance }) => entrance),
    ['c2s_tls', 'http'],
  )
  await t.rejects(client().open())
  romeo.write(VERSION)
  t.match(await romeo.until(/id='v'.*?<\/iq>/), `type='result'`)
})

t.test('what holds only after a restart is said', async (t) => {
  const { own } = await start(t)
  const { applied, needsRestart } = await own.reload('storage: { driver: memory }')
  t.strictSame({ applied, needsRestart }, { applied: [], needsRestart: ['storage.driver'] })
})
