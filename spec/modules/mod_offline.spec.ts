import t from 'tap'
import { archive, type ArchiveStore } from '../../storage/store.ts'
import { Stanza } from '../../server/xml/stanza.ts'
import { AccountWorld } from '../support/account-world.ts'

const DAY = 86_400_000
const presence = Stanza.parse('<presence/>')
const ALONE = '{ mam: false, carbons: false }'

async function keptIn({ storage }: AccountWorld): Promise<ArchiveStore> {
  return (await storage.open('localhost', { messages: archive('offline') })).messages
}

const chat = (id: string): string =>
  `<message to='juliet@localhost' id='${id}' type='chat'><body>${id}</body></message>`

t.test('two clients that come back at once share what was kept', async (t) => {
  await using world = await AccountWorld.open({ modules: ALONE })
  const romeo = await world.client('romeo@localhost/orchard')
  const juliet = await world.client('juliet@localhost/balcony', { silent: true })
  const phone = await world.client('juliet@localhost/phone', { silent: true })
  for (const id of ['one', 'two', 'three']) await romeo.say(chat(id))
  juliet.session.receive(presence)
  phone.session.receive(presence)
  await world.advance(0)
  t.strictSame([...juliet.messages(), ...phone.messages()], ['one', 'two', 'three'])
  t.equal(await (await keptIn(world)).count('juliet', {}), 0)
})

t.test('what is new waits until what is old has been delivered', async (t) => {
  await using world = await AccountWorld.open({ modules: ALONE })
  const romeo = await world.client('romeo@localhost/orchard')
  const juliet = await world.client('juliet@localhost/balcony', { silent: true })
  for (let n = 1; n <= 120; n++) await romeo.say(chat(`old ${n}`))
  const messages = await keptIn(world)
  const slow = Promise.withResolvers<void>()
  const find = messages.find.bind(messages)
  messages.find = async (owner, query) => {
    await slow.promise
    return find(owner, query)
  }
  juliet.session.receive(presence)
  await romeo.say(chat('new'))
  t.strictSame(juliet.messages(), [])
  slow.resolve()
  await world.advance(0)
  const received = juliet.messages()
  t.equal(received.length, 121)
  t.equal(received[0], 'old 1')
  t.equal(received.at(-1), 'new')
})

t.test('a message for someone who comes back while it is about to be kept is not left behind', async (t) => {
  await using world = await AccountWorld.open({ modules: ALONE })
  const romeo = await world.client('romeo@localhost/orchard')
  const juliet = await world.client('juliet@localhost/balcony', { silent: true })
  const messages = await keptIn(world)
  const count = messages.count.bind(messages)
  messages.count = async (owner, filter) => {
    await juliet.say('<presence/>')
    return count(owner, filter)
  }
  await romeo.say(chat('one'))
  await world.advance(0)
  t.strictSame(juliet.messages(), ['one'])
  t.equal(await count('juliet', {}), 0)
})

t.test('what a client could not be sent is kept for the next', async (t) => {
  await using world = await AccountWorld.open({ modules: ALONE })
  const romeo = await world.client('romeo@localhost/orchard')
  const juliet = await world.client('juliet@localhost/balcony', { silent: true })
  for (const id of ['one', 'two', 'three']) await romeo.say(chat(id))
  const send = juliet.stream.send.bind(juliet.stream)
  // The connection breaks after the first of them.
  juliet.stream.send = (item) => juliet.inbox.filter(({ name }) => name === 'message').length === 0 && send(item)
  await juliet.say('<presence/>')
  t.strictSame(juliet.messages(), ['one'])
  await juliet.leave()
  const phone = await world.client('juliet@localhost/phone', { silent: true })
  await phone.say('<presence/>')
  t.strictSame(phone.messages(), ['two', 'three'])
})

t.test('a message that could not be stored is refused', async (t) => {
  await using world = await AccountWorld.open({ modules: ALONE })
  const romeo = await world.client('romeo@localhost/orchard')
  await world.accounts.create('juliet', 'secret')
  const messages = await keptIn(world)
  messages.append = () => ({ id: '0', stored: Promise.reject(new Error('the disk is full')) })
  await romeo.say(chat('one'))
  t.match(romeo.take(), [{ name: 'message', type: 'error', id: 'one', from: 'juliet@localhost' }])
})

t.test('messages are kept as long as the admin wants', async (t) => {
  await using world = await AccountWorld.open({ modules: '{ mam: false, offline: { expire_after: 3 days } }' })
  const romeo = await world.client('romeo@localhost/orchard')
  await world.accounts.create('juliet', 'secret')
  await romeo.say(chat('one'))
  await world.advance(DAY)
  await world.advance(DAY)
  await romeo.say(chat('two'))
  await world.advance(DAY)
  await world.advance(DAY)
  const juliet = await world.client('juliet@localhost/balcony', { silent: true })
  await juliet.say('<presence/>')
  t.strictSame(juliet.messages(), ['two'])
})
