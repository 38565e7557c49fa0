import t from 'tap'
import { map } from '../../storage/store.ts'
import { AccountWorld, type Person } from '../support/account-world.ts'

const NODE = 'urn:xmpp:bookmarks:1'
const OLD = 'storage:bookmarks'

const pubsub = (inner: string): string => `<pubsub xmlns='http://jabber.org/protocol/pubsub'>${inner}</pubsub>`
const list = (inner: string): string => `<storage xmlns='${OLD}'>${inner}</storage>`
const store = (inner: string): string => `<query xmlns='jabber:iq:private'>${list(inner)}</query>`

async function rooms(person: Person): Promise<readonly (string | undefined)[]> {
  const answer = await person.ask('get', pubsub(`<items node='${NODE}'/>`))
  return (
    answer
      .childAt(0)
      ?.child('items')
      ?.elements.map(({ attrs }) => attrs['id']) ?? []
  )
}

/** What a client of the old kind sees, in short. */
async function listed(person: Person): Promise<readonly (string | undefined)[]> {
  const answer = await person.ask('get', store(''))
  return answer.childAt(0)?.elements[0]?.elements.map(({ attrs }) => attrs['jid'] ?? attrs['url']) ?? []
}

t.test('bookmarks from before there were nodes are there when their owner comes', async (t) => {
  await using world = await AccountWorld.open()
  await world.accounts.create('romeo', 'secret')
  const { elements } = await world.storage.open('localhost', { elements: map<string>('private') })
  const page = "<url name='Verona' url='https://verona.example/'/>"
  await elements.set(
    'romeo',
    `${OLD} storage`,
    list(`<conference jid='Orchard@rooms.example'/>${page}<conference jid='a@b@c'/>`),
  )
  await elements.set('romeo', 'urn:example:1 prefs', "<prefs xmlns='urn:example:1'/>")
  const romeo = await world.client('romeo@localhost/orchard')
  t.strictSame(await rooms(romeo), ['orchard@rooms.example'])
  t.strictSame(await listed(romeo), ['orchard@rooms.example', 'https://verona.example/'])
  t.strictSame([...(await elements.all('romeo')).keys()], ['urn:example:1 prefs'], 'and are kept in one place')
})

t.test('what old clients have left behind does not replace what new ones have made', async (t) => {
  await using world = await AccountWorld.open()
  const romeo = await world.client('romeo@localhost/orchard')
  await romeo.ask(
    'set',
    pubsub(`<publish node='${NODE}'><item id='a@rooms.example'><conference xmlns='${NODE}'/></item></publish>`),
  )
  const { elements } = await world.storage.open('localhost', { elements: map<string>('private') })
  await elements.set('romeo', `${OLD} storage`, list("<conference jid='b@rooms.example'/>"))
  t.strictSame(await listed(romeo), ['a@rooms.example', 'b@rooms.example'])
  t.strictSame(await rooms(romeo), ['a@rooms.example', 'b@rooms.example'])
})

t.test('a list that others could read becomes private before there is more in it', async (t) => {
  await using world = await AccountWorld.open()
  const romeo = await world.client('romeo@localhost/orchard')
  const juliet = await world.client('juliet@localhost/balcony')
  const form = "<x xmlns='jabber:x:data' type='submit'><field var='pubsub#access_model'><value>open</value></field></x>"
  await romeo.ask('set', pubsub(`<create node='${OLD}'/><configure>${form}</configure>`))
  await romeo.ask(
    'set',
    pubsub(`<publish node='${NODE}'><item id='a@rooms.example'><conference xmlns='${NODE}'/></item></publish>`),
  )
  t.strictSame(await listed(romeo), ['a@rooms.example'])
  await juliet.say(`<iq type='get' to='romeo@localhost' id='q'>${pubsub(`<items node='${OLD}'/>`)}</iq>`)
  t.match(juliet.take().at(-1), { type: 'error' })
})

t.test('one change after another, from either side, and nobody runs in circles', async (t) => {
  await using world = await AccountWorld.open()
  const romeo = await world.client('romeo@localhost/orchard')
  for (let n = 0; n < 5; n++) {
    await romeo.ask(
      'set',
      store(Array.from({ length: n + 1 }, (_, i) => `<conference jid='r${i}@rooms.example'/>`).join('')),
    )
    await romeo.ask(
      'set',
      pubsub(`<publish node='${NODE}'><item id='new${n}@rooms.example'><conference xmlns='${NODE}'/></item></publish>`),
    )
  }
  const all = [
    'r0@rooms.example',
    'r1@rooms.example',
    'r2@rooms.example',
    'r3@rooms.example',
    'r4@rooms.example',
    'new4@rooms.example',
  ]
  t.strictSame(await listed(romeo), all)
  t.strictSame(await rooms(romeo), all)
  t.strictSame(world.complaints, [])
})

t.test('other settings are kept as they always were', async (t) => {
  await using world = await AccountWorld.open()
  const romeo = await world.client('romeo@localhost/orchard')
  await romeo.ask('set', "<query xmlns='jabber:iq:private'><prefs xmlns='urn:example:1'><a/></prefs></query>")
  const answer = await romeo.ask('get', "<query xmlns='jabber:iq:private'><prefs xmlns='urn:example:1'/></query>")
  t.equal(answer.childAt(0)?.elements[0]?.elements.length, 1)
})
