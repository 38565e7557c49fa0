import t from 'tap'
import { capsVer } from '../../../server/protocol/caps.ts'
import { type DiscoInfo, discoInfoElement } from '../../../server/protocol/disco-info.ts'
import { Jid } from '../../../server/jid/jid.ts'
import { Stanza } from '../../../server/xml/stanza.ts'
import type { Pep } from '../../../modules/mod_pep/index.ts'
import { parseElement } from '../../../server/xml/parse.ts'
import { map } from '../../../storage/store.ts'
import { AccountWorld, type Person } from '../../support/account-world.ts'

const TUNE = 'http://jabber.org/protocol/tune'
const wantsTunes: DiscoInfo = {
  identities: [{ category: 'client', type: 'pc', name: 'Spec' }],
  features: [`${TUNE}+notify`],
  forms: [],
}
const ver = capsVer(wantsTunes) ?? ''
const caps = `<c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='urn:example:client' ver='${ver}'/>`

const pubsub = (inner: string): string => `<pubsub xmlns='http://jabber.org/protocol/pubsub'>${inner}</pubsub>`
const owner = (inner: string): string => `<pubsub xmlns='http://jabber.org/protocol/pubsub#owner'>${inner}</pubsub>`
const tune = (id: string): string =>
  pubsub(`<publish node='${TUNE}'><item id='${id}'><tune xmlns='${TUNE}'/></item></publish>`)

/** Comes online with an interest in tunes, and says so when asked. */
async function listen(person: Person): Promise<void> {
  await person.say(`<presence>${caps}</presence>`)
  const question = person.inbox.find(({ name, type }) => name === 'iq' && type === 'get')
  if (question === undefined) return
  person.take()
  const answer = discoInfoElement(wantsTunes, question.childAt(0)?.attrs['node']).toString()
  await person.say(`<iq type='result' id='${question.id}' to='${question.from}'>${answer}</iq>`)
}

async function befriend(one: Person, other: Person): Promise<void> {
  for (const [a, b] of [
    [one, other],
    [other, one],
  ] as const) {
    await a.say(`<presence type='subscribe' to='${b.jid.bare}'/>`)
    await b.say(`<presence type='subscribed' to='${a.jid.bare}'/>`)
  }
  one.take()
  other.take()
}

/** The ids of the tunes in somebody's inbox. */
function tunes(person: Person): readonly (string | undefined)[] {
  return person
    .take()
    .filter(({ name }) => name === 'message')
    .map((stanza) => stanza.childAt(0)?.elements[0]?.elements[0]?.attrs['id'])
}

function pepOf(world: AccountWorld): Pep {
  // The module of that name gives this service.
  return world.server.hosts.get('localhost')?.loader.service('pep') as Pep
}

t.test('contacts hear of those who are not there', async (t) => {
  await using world = await AccountWorld.open()
  const romeo = await world.client('romeo@localhost/orchard')
  const juliet = await world.client('juliet@localhost/balcony')
  await befriend(romeo, juliet)
  await romeo.ask('set', tune('1'))
  await romeo.leave()
  juliet.take()
  await listen(juliet)
  t.strictSame(tunes(juliet), ['1'], 'whoever comes sees what is there')
  await pepOf(world).publish(Jid.parse('romeo@localhost'), TUNE, {
    id: '2',
    payload: parseElement(`<tune xmlns='${TUNE}'/>`),
    cause: 'spec',
  })
  t.strictSame(tunes(juliet), ['2'], 'and hears of what comes')
  await juliet.say("<presence type='unavailable'/>")
  juliet.take()
  await listen(juliet)
  t.strictSame(tunes(juliet), ['2'])
  t.strictSame(world.complaints, [])
})

t.test('who becomes a contact sees what there is, and who no longer is one hears no more', async (t) => {
  await using world = await AccountWorld.open()
  const romeo = await world.client('romeo@localhost/orchard')
  const juliet = await world.client('juliet@localhost/balcony')
  await romeo.ask('set', tune('1'))
  await listen(juliet)
  await befriend(romeo, juliet)
  await listen(juliet)
  await romeo.ask('set', tune('2'))
  t.strictSame(tunes(juliet).at(-1), '2')
  await romeo.say(`<presence type='unsubscribed' to='juliet@localhost'/>`)
  juliet.take()
  await romeo.ask('set', tune('3'))
  t.strictSame(tunes(juliet), [])
})

t.test('strangers are not asked, and hear nothing', async (t) => {
  await using world = await AccountWorld.open()
  const romeo = await world.client('romeo@localhost/orchard')
  const nurse = await world.client('nurse@localhost/kitchen')
  await listen(nurse)
  await nurse.say(`<presence to='romeo@localhost'>${caps}</presence>`)
  await nurse.say(`<presence to='romeo@localhost'>${caps.replace(ver, 'unknown')}</presence>`)
  t.strictSame(
    nurse.take().filter(({ name }) => name === 'iq'),
    [],
  )
  await romeo.ask('set', tune('1'))
  t.strictSame(tunes(nurse), [])
})

t.test('contacts on other servers are asked in the name of the account', async (t) => {
  await using world = await AccountWorld.open()
  const romeo = await world.client('romeo@localhost/orchard')
  await romeo.say("<presence type='subscribe' to='paris@elsewhere.example'/>")
  const from = { from: 'paris@elsewhere.example', to: 'romeo@localhost' }
  await world.deliver(Stanza.parse("<presence type='subscribed'/>").with(from))
  const available = Stanza.parse(`<presence>${caps}</presence>`).with({ ...from, from: 'paris@elsewhere.example/x' })
  // There is no way there, so that there is no answer either: nothing may break for that.
  await world.deliver(available)
  await world.deliver(available.with({ type: 'unavailable' }))
  await romeo.ask('set', tune('1'))
  t.strictSame(world.complaints, [])
})

t.test('who is blocked hears nothing', async (t) => {
  await using world = await AccountWorld.open()
  const romeo = await world.client('romeo@localhost/orchard')
  const juliet = await world.client('juliet@localhost/balcony')
  await befriend(romeo, juliet)
  await listen(juliet)
  await romeo.ask('set', tune('1'))
  t.strictSame(tunes(juliet), ['1'])
  await romeo.ask('set', "<block xmlns='urn:xmpp:blocking'><item jid='juliet@localhost'/></block>")
  juliet.take()
  await romeo.ask('set', tune('2'))
  t.strictSame(tunes(juliet), [])
})

t.test('with an account goes all that it has published', async (t) => {
  await using world = await AccountWorld.open({ modules: '{ tombstones: false }' })
  const romeo = await world.client('romeo@localhost/orchard')
  await romeo.ask('set', tune('1'))
  const { items } = await world.storage.open('localhost', { items: map<object>('pubsub_items') })
  const owners = async (): Promise<readonly string[]> => Array.fromAsync(items.owners())
  t.equal((await owners()).length, 1)
  await world.accounts.remove('romeo')
  t.strictSame(await owners(), [])
  const again = await world.client('romeo@localhost/orchard')
  t.match(await again.ask('get', pubsub(`<items node='${TUNE}'/>`)), { type: 'error' })
  t.strictSame(world.complaints, [])
})

t.test('a client of another server that is gone is no subscriber any more', async (t) => {
  await using world = await AccountWorld.open()
  const romeo = await world.client('romeo@localhost/orchard')
  await romeo.ask('set', tune('1'))
  const open = `<x xmlns='jabber:x:data' type='submit'><field var='pubsub#access_model'><value>open</value></field></x>`
  await romeo.ask('set', owner(`<configure node='${TUNE}'>${open}</configure>`))
  const far = (xml: string): Promise<void> =>
    world.deliver(Stanza.parse(xml).with({ from: 'juliet@capulet.example/balcony', to: 'romeo@localhost' }))
  const subscribers = async (): Promise<number> => {
    const answer = await romeo.ask('get', owner(`<subscriptions node='${TUNE}'/>`))
    return answer.childAt(0)?.elements[0]?.elements.length ?? 0
  }
  const subscribe = `<subscribe node='${TUNE}' jid='juliet@capulet.example/balcony'/>`
  await far(`<iq type='set' id='s'>${pubsub(subscribe)}</iq>`)
  t.equal(await subscribers(), 1)
  const bounce = (type: string, condition: string): string =>
    `<message type='error'><error type='${type}'><${condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`
  await far(bounce('wait', 'recipient-unavailable'))
  t.equal(await subscribers(), 1, 'unless it may come back')
  await far(bounce('cancel', 'service-unavailable'))
  t.equal(await subscribers(), 0)
})

t.test('there is nothing to be had of accounts that are not there', async (t) => {
  await using world = await AccountWorld.open()
  const romeo = await world.client('romeo@localhost/orchard')
  await romeo.say(`<iq type='get' to='ghost@localhost' id='q'>${pubsub("<items node='a'/>")}</iq>`)
  const [answer] = romeo.take()
  t.ok(answer?.child('error', 'jabber:client')?.child('service-unavailable', 'urn:ietf:params:xml:ns:xmpp-stanzas'))
})

t.test('the module can be loaded anew while somebody has something at hand', async (t) => {
  await using world = await AccountWorld.open()
  const romeo = await world.client('romeo@localhost/orchard')
  await romeo.ask('set', tune('1'))
  const loader = world.server.hosts.get('localhost')?.loader
  const module = loader?.modules.find(({ name }) => name === 'pep')
  if (module !== undefined) await loader?.reload(module)
  const answer = await romeo.ask('get', pubsub(`<items node='${TUNE}'/>`))
  t.equal(answer.childAt(0)?.elements[0]?.elements.length, 1)
  t.strictSame(world.complaints, [])
})
