/** Who is told of what, in which state of a client. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import type { AwayMessage } from '../../../modules/mod_muc_members/notices.ts'
import { newsIn } from '../../../modules/mod_push/news.ts'
import type { StreamManagement } from '../../../modules/mod_smacks/index.ts'
import type { VirtualHost } from '../../../server/host/virtual-host.ts'
import { Jid } from '../../../server/jid/jid.ts'
import { type Origin, RoutedStanza } from '../../../server/routed-stanza.ts'
import { xml } from '../../../server/xml/element.ts'
import { NS } from '../../../server/xml/ns.ts'
import { Stanza } from '../../../server/xml/stanza.ts'
import { AccountWorld, Person } from '../../support/account-world.ts'
import { type OwnServer, startOwnServer } from '../../support/own-server.ts'

const SERVICE = 'service@localhost/push'
const ENABLE = `<enable xmlns='urn:xmpp:push:0' jid='${SERVICE}' node='n1'/>`

async function stage(options = 'gather: 0 seconds') {
  const world = await AccountWorld.open({ modules: `{ push: { ${options} } }` })
  const service = await world.client(SERVICE, { silent: true })
  const romeo = await world.client('romeo@localhost/r')
  const juliet = await world.client('juliet@localhost/phone')
  await juliet.ask('set', ENABLE)
  /** The nodes that were published to; the service thanks for each. */
  const published = async (): Promise<readonly string[]> => {
    const requests = service.take().filter(({ name, type }) => name === 'iq' && type === 'set')
    for (const { id } of requests) await service.say(`<iq type='result' id='${id}' to='localhost'/>`)
    return requests.map((request) => request.child('pubsub', NS.pubsub)?.child('publish')?.attrs['node'] ?? '')
  }
  let count = 0
  const write = (to = 'juliet@localhost', content = '<body>Hello</body>'): Promise<void> =>
    romeo.say(`<message to='${to}' type='chat' id='m${++count}'>${content}</message>`)
  return { world, service, romeo, juliet, published, write }
}

/** What smacks does for a client that enables it. */
function smacksOf(world: AccountWorld): StreamManagement {
  return world.server.hosts.get('localhost')?.loader.service('smacks') as StreamManagement
}

function sleep(world: AccountWorld, person: Person): void {
  const csi = world.server.hosts.get('localhost')?.loader.service('csi') as {
    set(session: Person['session'], state: 'active' | 'inactive'): void
  }
  csi.set(person.session, 'inactive')
}

t.test('each client has its own service, whatever the others of the account do', async (t) => {
  const { world, juliet, published, write } = await stage()
  await using _ = world
  const desktop = await world.client('juliet@localhost/desktop')
  await desktop.ask('set', ENABLE.replace('n1', 'n2'))
  await write()
  t.strictSame(await published(), [], 'both are there')
  await juliet.leave()
  await write('juliet@localhost/desktop')
  t.strictSame(await published(), ['n1'])
  await desktop.leave()
  await write()
  t.strictSame(await published(), ['n1', 'n2'])
  t.same(world.complaints, [])
})

t.test('clients may be let sleep while another one is used, but not through a call', async (t) => {
  const { world, juliet, published, write } = await stage('gather: 0 seconds, quiet_while_active: true')
  await using _ = world
  const desktop = await world.client('juliet@localhost/desktop')
  await juliet.leave()
  await write()
  t.strictSame(await published(), [])
  await write(undefined, "<propose xmlns='urn:xmpp:jingle-message:0' id='c'/>")
  t.strictSame(await published(), ['n1'])
  sleep(world, desktop)
  await write()
  t.strictSame(await published(), ['n1'])
})

t.test('a client that does not acknowledge is told after a while, and of each message once', async (t) => {
  const { world, romeo, juliet, published, write } = await stage()
  await using _ = world
  const smacks = smacksOf(world)
  smacks.enable(juliet.session, xml('enable', { xmlns: NS.sm, resume: 'true' }))
  await write()
  await world.advance(8000)
  t.strictSame(await published(), [])
  t.notOk(smacks.isSilent(juliet.session))
  await world.advance(6000)
  t.strictSame(await published(), ['n1'])
  t.ok(smacks.isSilent(juliet.session))
  await world.advance(20_000)
  t.strictSame(await published(), [])
  await write()
  await world.advance(2000)
  t.strictSame(await published(), ['n1'])
  await juliet.leave()
  await world.advance(20_000)
  t.strictSame(await published(), [], 'nor is it told again when the session ends and they are kept')
  t.same(world.complaints, [])
  t.equal(romeo.messages().length, 0)
})

t.test('what a session without stream management has lost is told when somebody notices', async (t) => {
  const { world, juliet, published, write } = await stage()
  await using _ = world
  smacksOf(world).enable(juliet.session, xml('enable', { xmlns: NS.sm }))
  await write()
  t.strictSame(await published(), [])
  await juliet.leave()
  t.strictSame(await published(), ['n1'])
})

t.test('a client that sleeps is told of what is held back, and not of what it gets', async (t) => {
  const { world, juliet, published, write } = await stage()
  await using _ = world
  sleep(world, juliet)
  await write()
  t.strictSame(await published(), [], 'it has got that')
  await world.deliver(
    Stanza.parse(
      "<message from='room@far.example/Romeo' to='juliet@localhost/phone' type='groupchat' id='g1'><body>Hello</body></message>",
    ),
  )
  t.strictSame(await published(), ['n1'])
  await world.deliver(
    Stanza.parse(
      "<message from='room@far.example/Romeo' to='juliet@localhost/phone' type='groupchat' id='g2'><active xmlns='http://jabber.org/protocol/chatstates'/></message>",
    ),
  )
  t.strictSame(await published(), [])
})

t.test('members of rooms are told as they wish', async (t) => {
  const { world, juliet, published } = await stage()
  await using _ = world
  let count = 0
  const said = async (wish: AwayMessage['wish'], isMention: boolean): Promise<readonly string[]> => {
    const stanza = Stanza.parse(
      `<message from='room@conference.localhost/Romeo' type='groupchat' id='g${++count}'><body>Hello</body></message>`,
    )
    const [account, room] = [Jid.parse('juliet@localhost'), Jid.parse('room@conference.localhost')]
    await world.host.hooks.fire('push/room-message', { account, room, stanza, isMention, wish })
    await world.advance(0)
    return published()
  }
  t.strictSame(await said('always', true), [], 'not while she is there')
  await juliet.leave()
  t.strictSame(await said('always', false), ['n1'])
  t.strictSame(await said('on-mention', false), [])
  t.strictSame(await said('on-mention', true), ['n1'])
  t.strictSame(await said('never', true), [])
})

t.test('nobody is woken up by what is not for people', async (t) => {
  const { world, juliet, published, write } = await stage()
  await using _ = world
  await juliet.leave()
  for (const content of [
    "<received xmlns='urn:xmpp:receipts' id='1'/>",
    "<displayed xmlns='urn:xmpp:chat-markers:0' id='1'/>",
    "<composing xmlns='http://jabber.org/protocol/chatstates'/>",
    "<body/><encrypted xmlns='urn:xmpp:omemo:2'><header sid='1'/></encrypted>",
    "<retract xmlns='urn:xmpp:message-retract:1' id='1'/><body>Retracted</body>",
    "<reactions xmlns='urn:xmpp:reactions:0' id='1'/><body>+1</body>",
    "<body>Now or never</body><no-store xmlns='urn:xmpp:hints'/>",
    "<retract xmlns='urn:xmpp:jingle-message:0' id='c'/>",
  ]) {
    await write(undefined, content)
    t.strictSame(await published(), [], content)
  }
  for (const content of [
    "<encrypted xmlns='urn:xmpp:omemo:2'><header sid='1'/><payload>A</payload></encrypted>",
    "<x xmlns='jabber:x:conference' jid='room@conference.localhost'/>",
    "<x xmlns='http://jabber.org/protocol/muc#user'><invite from='a@b'/></x>",
    "<invite xmlns='urn:xmpp:call-invites:0'/><no-store xmlns='urn:xmpp:hints'/>",
  ]) {
    await write(undefined, content)
    t.strictSame(await published(), ['n1'], content)
  }
  await world.deliver(
    Stanza.parse("<message from='a@far.example' to='juliet@localhost' type='error'><body>x</body></message>"),
  )
  t.strictSame(await published(), [])
})

t.test('of too many services the oldest goes; what is too long is refused', async (t) => {
  const { world, juliet, published, write } = await stage('gather: 0 seconds, max_services: 2')
  await using _ = world
  for (const node of ['n2', 'n3']) {
    await world.advance(1000)
    await juliet.ask('set', ENABLE.replace('n1', node))
  }
  const long = ENABLE.replace('n1', 'n'.repeat(2000))
  t.equal((await juliet.ask('set', long)).type, 'error')
  const secrets = `<x xmlns='jabber:x:data' type='form'><field var='FORM_TYPE'><value>http://jabber.org/protocol/pubsub#publish-options</value></field><field var='secret'><value>${'s'.repeat(5000)}</value></field></x>`
  t.equal((await juliet.ask('set', ENABLE.replace('/>', `>${secrets}</enable>`))).type, 'error')
  await juliet.leave()
  await write()
  t.strictSame(await published(), ['n2', 'n3'])
  t.strictSame(await world.command('push list'), ['juliet@localhost'])
  t.match(await world.command('push list', { jid: Jid.parse('juliet@localhost') }), [
    `${SERVICE} for phone since 2026-`,
    `${SERVICE} for phone since 2026-`,
  ])
  t.strictSame(await world.command('push drop', { jid: Jid.parse('juliet@localhost'), service: SERVICE }), [
    '2 forgotten',
  ])
  await t.rejects(world.command('push list', { jid: Jid.parse('nobody@localhost') }), { name: 'CommandError' })
  await write()
  t.strictSame(await published(), [])
})

t.test('an account that is deleted takes its services along', async (t) => {
  const { world, juliet, published, write } = await stage()
  await using _ = world
  await juliet.leave()
  await world.accounts.remove('juliet')
  await write()
  t.strictSame(await published(), [])
  t.strictSame(await world.command('push list'), [])
})

t.test('a client that can be woken up may take longer to come back', async (t) => {
  const { world, juliet, romeo } = await stage('resume_timeout: 2 days')
  await using _ = world
  t.equal(world.host.hooks.fire('session/patience', { session: juliet.session }), 2 * 86_400)
  t.equal(world.host.hooks.fire('session/patience', { session: romeo.session }), undefined)
})

t.test('what comes for an app of the client wakes it up, too', (t) => {
  const push = Stanza.parse(`<iq type='set' id='1' from='localhost'><push xmlns='${NS.unifiedPush}'>AAAA</push></iq>`)
  t.equal(newsIn(push, 'juliet@localhost')?.kind, 'data')
  const ping = Stanza.parse("<iq type='get' id='1' from='localhost'><ping xmlns='urn:xmpp:ping'/></iq>")
  t.equal(newsIn(ping, 'juliet@localhost'), undefined)
  t.end()
})

t.test('services are known after a restart, with all that belongs to them', async (t) => {
  const data = await mkdtemp(join(tmpdir(), 'madrigal-push-'))
  t.teardown(() => rm(data, { recursive: true, force: true }))
  const options = { data, storage: 'sqlite', config: 'hosts: { localhost: {} }' } as const
  {
    await using own = await startOwnServer(options)
    for (const node of ['juliet', 'service']) await own.accounts('localhost').create(node, 'secret')
    const juliet = await bind(own, 'juliet', 'phone')
    const secret = `<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/pubsub#publish-options</value></field><field var='secret'><value>s&amp;</value></field></x>`
    await juliet.say(`<iq type='set' id='e'>${ENABLE.replace('/>', `>${secret}</enable>`)}</iq>`)
    while (!juliet.take().some(({ id }) => id === 'e')) await new Promise((resolve) => setTimeout(resolve, 5))
  }
  await using own = await startOwnServer(options)
  const service = await bind(own, 'service', 'push')
  const said = Stanza.parse("<message from='a@far.example/x' to='juliet@localhost' id='1'><body>Hello</body></message>")
  const host = hostOf(own)
  const [from, to] = [Jid.parse('a@far.example/x'), Jid.parse('juliet@localhost')]
  const origin = { kind: 'server', jid: from, send: () => true } as const
  await host.incoming(new RoutedStanza<Origin>(said, origin, from, to))
  const published: Stanza[] = []
  while (published.length === 0) {
    published.push(...service.take().filter(({ type }) => type === 'set'))
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  const form = published[0]?.child('pubsub', NS.pubsub)?.child('publish-options')?.child('x', NS.dataForms)
  t.equal(form?.elements.at(-1)?.child('value')?.getText(), 's&')
})

function hostOf(own: OwnServer): VirtualHost {
  const host = own.server.hosts.get('localhost')?.host
  if (host === undefined) throw new Error('there is no host')
  return host
}

async function bind(own: OwnServer, node: string, resource: string): Promise<Person> {
  const host = hostOf(own)
  const person = new Person((session) => host.closeSession(session))
  using held = host.directory.hold(host.jid.withNode(node))
  await host.hooks.fire('session/binding', { account: held.account, stream: person.stream })
  person.session = host.bind(person.stream, held.account, resource)
  return person
}
