/** XEP-0313: what accounts find in their archives, and for how long. */
import t from 'tap'
import type { MessageArchive } from '../../../modules/mod_mam/index.ts'
import { Jid } from '../../../server/jid/jid.ts'
import { Stanza } from '../../../server/xml/stanza.ts'
import { StorageError } from '../../../storage/storage-error.ts'
import { archive, type ArchiveStore } from '../../../storage/store.ts'
import { AccountWorld, type Person } from '../../support/account-world.ts'

const NS_MAM = 'urn:xmpp:mam:2'
const DAY = 86_400_000

const chat = (to: string, id: string, inside = '<body>Hi</body>'): string =>
  `<message to='${to}' type='chat' id='${id}'>${inside}</message>`

/** The ids of the messages in an archive, after what a query asks. */
async function found(person: Person, inside = ''): Promise<readonly (string | undefined)[]> {
  await person.ask('set', `<query xmlns='${NS_MAM}'>${inside}</query>`)
  return person
    .take()
    .map((stanza) => stanza.child('result', NS_MAM)?.child('forwarded', 'urn:xmpp:forward:0'))
    .filter((forwarded) => forwarded !== undefined)
    .map((forwarded) => forwarded.child('message', 'jabber:client')?.attrs['id'])
}

async function messagesOf(world: AccountWorld): Promise<ArchiveStore> {
  return (await world.storage.open('localhost', { messages: archive('archive') })).messages
}

t.test('pages are as long as is asked for, up to a limit', async (t) => {
  await using world = await AccountWorld.open({ modules: '{ mam: { page: 3, max_page: 5 } }' })
  const romeo = await world.client('romeo@localhost/r')
  await world.client('juliet@localhost/j')
  for (let i = 0; i < 7; i++) await romeo.say(chat('juliet@localhost', `m${i}`))
  const max = (count: number): string => `<set xmlns='http://jabber.org/protocol/rsm'><max>${count}</max></set>`
  t.equal((await found(romeo)).length, 3)
  t.equal((await found(romeo, max(4))).length, 4)
  t.equal((await found(romeo, max(100))).length, 5)
  t.equal((await found(romeo, max(0))).length, 0)
})

t.test('an archive forgets what is old, and what is too much', async (t) => {
  await using world = await AccountWorld.open({ modules: '{ mam: { expire_after: 2 days, max_messages: 250 } }' })
  const romeo = await world.client('romeo@localhost/r')
  const juliet = await world.client('juliet@localhost/j')
  await romeo.say(chat('juliet@localhost', 'old'))
  await world.advance(1.5 * DAY)
  await romeo.say(chat('juliet@localhost', 'young'))
  await world.advance(1 * DAY)
  t.strictSame([await found(romeo), await found(juliet)], [['young'], ['young']])
  t.match(String(await juliet.ask('get', `<metadata xmlns='${NS_MAM}'/>`)), /<start id='\w+' timestamp='2026-01-02T12/)

  const messages = await messagesOf(world)
  for (let i = 0; i < 600; i++)
    messages.append('romeo', { when: new Date(world.clock.now()), with: 'a@x', stanza: chat('a@x', `m${i}`) })
  t.strictSame(await world.command('archive expire'), ['351 messages removed'])
  t.equal(await messages.count('romeo', {}), 250)
  t.equal((await found(romeo))[0], 'm350', 'the oldest are gone')
  t.match(
    String(
      await romeo.ask(
        'set',
        `<query xmlns='${NS_MAM}'><set xmlns='http://jabber.org/protocol/rsm'><max>0</max></set></query>`,
      ),
    ),
    /<count>250<\/count>/,
  )
  const jid = Jid.parse('romeo@localhost')
  t.match(await world.command('archive size', { jid }), [
    /^romeo@localhost: 250 messages, \d+ bytes, since 2026-01-03; messages stay for 2 days, and there are at most 250$/,
  ])
  t.strictSame(await world.command('archive purge', { jid, older_than: 3600 }), ['0 messages removed'])
  t.strictSame(await world.command('archive purge', { jid, older_than: 0 }), ['250 messages removed'])
  t.strictSame(await found(romeo), [])
  t.strictSame(world.complaints, [])
})

t.test('an admin sets limits for one account', async (t) => {
  await using world = await AccountWorld.open({ modules: '{ mam: { expire_after: 2 days } }' })
  const [romeo, juliet] = [await world.client('romeo@localhost/r'), await world.client('juliet@localhost/j')]
  const [jid, hers] = [Jid.parse('romeo@localhost'), Jid.parse('juliet@localhost')]
  for (const id of ['m1', 'm2', 'm3']) await romeo.say(chat('juliet@localhost', id))
  t.strictSame(await world.command('archive limit', { jid, max_messages: 2 }), [
    'romeo@localhost: messages stay for 2 days, and there are at most 2',
  ])
  t.strictSame(await world.command('archive limit', { jid: hers, max_age: Infinity }), [
    'juliet@localhost: messages stay',
  ])
  await world.advance(DAY)
  t.strictSame(
    [await found(romeo), await found(juliet)],
    [
      ['m2', 'm3'],
      ['m1', 'm2', 'm3'],
    ],
  )
  t.strictSame(await world.command('archive size'), [
    '5 messages in 2 archives',
    'juliet@localhost 3',
    'romeo@localhost 2',
  ])
  await world.advance(2 * DAY)
  t.strictSame([await found(romeo), await found(juliet)], [[], ['m1', 'm2', 'm3']])
  t.strictSame(await world.command('archive limit', { jid: hers }), ['juliet@localhost: messages stay for 2 days'])
  t.strictSame(await world.command('archive expire'), ['3 messages removed'])
  await t.rejects(world.command('archive purge', { jid: Jid.parse('romeo@elsewhere'), older_than: 0 }), {
    name: 'CommandError',
  })
  t.strictSame(world.complaints, [])
})

t.test('nothing is left of an account that is removed', async (t) => {
  await using world = await AccountWorld.open({ modules: '{ tombstones: false }' })
  const romeo = await world.client('romeo@localhost/r')
  const juliet = await world.client('juliet@localhost/j')
  await romeo.say(chat('juliet@localhost', 'm1'))
  await romeo.ask('set', `<prefs xmlns='${NS_MAM}' default='never'/>`)
  await found(romeo)
  await world.accounts.remove('romeo')
  await juliet.say(chat('romeo@localhost', 'm2'))
  const again = await world.client('romeo@localhost/r')
  t.strictSame(await found(again), [])
  t.match(String(await again.ask('get', `<prefs xmlns='${NS_MAM}'/>`)), /default='always'/)
  t.strictSame(await found(juliet), ['m1', 'm2'])
})

t.test('a message that cannot be stored is delivered all the same, and the archive says so once', async (t) => {
  await using world = await AccountWorld.open()
  const romeo = await world.client('romeo@localhost/r')
  const juliet = await world.client('juliet@localhost/j')
  const messages = await messagesOf(world)
  const append = messages.append.bind(messages)
  messages.append = (...args) => ({
    ...append(...args),
    stored: Promise.reject(new StorageError('unavailable', 'no disk')),
  })
  await romeo.say(chat('juliet@localhost', 'm1'))
  messages.append = append
  t.strictSame(juliet.messages(), ['m1'])
  const query = `<query xmlns='${NS_MAM}'/>`
  t.match(String(await juliet.ask('set', query)), /<fin [^>]*stable='false'/)
  t.notMatch(String(await juliet.ask('set', query)), /stable=/)
  t.match(world.complaints, [/messages were not archived/])
})

t.test('a sender waits while too much is on its way to the disk', async (t) => {
  await using world = await AccountWorld.open()
  const romeo = await world.client('romeo@localhost/r')
  const juliet = await world.client('juliet@localhost/j')
  const messages = await messagesOf(world)
  const append = messages.append.bind(messages)
  const disk = Promise.withResolvers<void>()
  messages.append = (...args) => ({ ...append(...args), stored: disk.promise })
  const send = (id: string): void => romeo.session.receive(Stanza.parse(chat('juliet@localhost', id)))
  for (let i = 0; i < 1500; i++) send(`m${i}`)
  await romeo.say('<iq type="get" id="last" to="localhost"><ping xmlns="urn:xmpp:ping"/></iq>')
  const arrived = juliet.messages().length
  t.ok(arrived > 990 && arrived < 1010, `${arrived} have arrived`)
  disk.resolve()
  messages.append = append
  await romeo.say('<presence/>')
  t.equal(juliet.messages().length, 1500 - arrived, 'and the rest when it has been written')
  t.strictSame(world.complaints, [])
})

t.test('preferences hold for who is there and who is not', async (t) => {
  await using world = await AccountWorld.open({ modules: '{ mam: { default_policy: roster } }' })
  const romeo = await world.client('romeo@localhost/r')
  const juliet = await world.client('juliet@localhost/j')
  const say = (id: string): Promise<void> => romeo.say(chat('juliet@localhost', id))
  await say('stranger')
  await juliet.say(`<iq type='set' id='r'><query xmlns='jabber:iq:roster'><item jid='romeo@localhost'/></query></iq>`)
  await say('contact')
  await juliet.ask(
    'set',
    `<prefs xmlns='${NS_MAM}' default='always'><never><jid>romeo@localhost/r</jid></never></prefs>`,
  )
  await say('unwanted')
  await juliet.leave()
  await say('unwanted-too')
  const back = await world.client('juliet@localhost/j')
  await back.ask('set', `<prefs xmlns='${NS_MAM}' default='always'/>`)
  await back.leave()
  await say('wanted')
  const again = await world.client('juliet@localhost/j')
  t.strictSame(await found(again), ['contact', 'wanted'])
  t.strictSame(await found(romeo), [], 'she is not on his roster')
})

t.test('only who said something takes it back', async (t) => {
  await using world = await AccountWorld.open()
  const juliet = await world.client('juliet@localhost/j')
  const whisper = (nick: string, id: string, inside: string): Promise<void> => {
    const stanza = `<message from='room@conference.x/${nick}' to='juliet@localhost/j' type='chat' id='${id}'>${inside}<x xmlns='http://jabber.org/protocol/muc#user'/><occupant-id xmlns='urn:xmpp:occupant-id:0' id='${nick}'/></message>`
    return receive(world, stanza)
  }
  const retract = (id: string): string => `<retract xmlns='urn:xmpp:message-retract:1' id='${id}'/>`
  await whisper('Romeo', 'm1', '<body>Love</body>')
  await whisper('Tybalt', 'r1', retract('m1'))
  t.strictSame(await bodies(juliet), ['Love', undefined], 'who is in the same room is somebody else')
  await whisper('Romeo', 'r2', retract('m1'))
  t.strictSame(await bodies(juliet), [undefined, undefined, undefined])

  await juliet.say(chat('romeo@localhost', 'm2', '<body>Twice</body>'))
  await juliet.say(chat('romeo@localhost', 'r3', retract('r2')))
  await juliet.say(chat('romeo@localhost', 'r4', retract('m2')))
  await juliet.say(chat('romeo@localhost', 'r5', retract('m2')))
  const [messages] = [await messagesOf(world)]
  const items = await messages.find('juliet', { limit: 10 })
  const tombs = items.map(
    ({ stanza }) => Stanza.parse(stanza).child('retracted', 'urn:xmpp:message-retract:1')?.attrs['id'],
  )
  t.strictSame(
    tombs,
    ['r2', undefined, undefined, 'r4', undefined, undefined, undefined],
    'no retraction was retracted',
  )
  t.strictSame(world.complaints, [])
})

t.test('a retraction finds what lies far back, but not endlessly far', async (t) => {
  await using world = await AccountWorld.open()
  const romeo = await world.client('romeo@localhost/r')
  const messages = await messagesOf(world)
  const append = (id: string) =>
    messages.append('romeo', {
      when: new Date(world.clock.now()),
      with: 'juliet@x',
      stanza: `<message from='romeo@localhost/r' to='juliet@x' id='${id}'><body>Hi</body></message>`,
    })
  for (const id of ['far', ...Array.from({ length: 500 }, (_, i) => `n${i}`), 'near']) append(id)
  for (let i = 0; i < 1499; i++) append(`m${i}`)
  append('last')
  const retract = (id: string): Promise<void> =>
    romeo.say(chat('juliet@x', `r-${id}`, `<retract xmlns='urn:xmpp:message-retract:1' id='${id}'/>`))
  for (const id of ['near', 'far', 'last']) await retract(id)
  const items = await messages.find('romeo', { limit: 5000 })
  const buried = items
    .filter(({ stanza }) => stanza.includes('<retracted'))
    .map(({ stanza }) => Stanza.parse(stanza).id)
  t.strictSame(buried, ['near', 'last'])
})

t.test('what is said in a room is not archived, but nobody there invents ids of the account either', async (t) => {
  await using world = await AccountWorld.open()
  const juliet = await world.client('juliet@localhost/j')
  const id = (by: string): string => `<stanza-id xmlns='urn:xmpp:sid:0' by='${by}' id='x'/>`
  const say = (...by: readonly string[]): Promise<void> =>
    receive(
      world,
      `<message from='room@conference.x/Romeo' to='juliet@localhost/j' type='groupchat'><body>Hi</body>${by.map(id).join('')}</message>`,
    )
  await say('room@conference.x')
  await say('room@conference.x', 'juliet@localhost')
  await say('JULIET@localhost')
  const ids = juliet
    .take()
    .map((stanza) => stanza.children('stanza-id', 'urn:xmpp:sid:0').map(({ attrs }) => attrs['by']))
  t.strictSame(ids, [['room@conference.x'], ['room@conference.x'], []])
  t.strictSame(await found(juliet), [])
})

t.test('other modules read a message by its name', async (t) => {
  await using world = await AccountWorld.open()
  const romeo = await world.client('romeo@localhost/r')
  await romeo.say(chat('romeo@localhost', 'note'))
  const id = romeo.take()[0]?.child('stanza-id', 'urn:xmpp:sid:0')?.attrs['id'] ?? ''
  const service = world.server.hosts.get('localhost')?.loader.service('mam') as MessageArchive
  t.match((await service.get('romeo', id))?.stanza, /id='note'/)
  t.equal(await service.get('romeo', 'gone'), undefined)
  t.equal(await service.get('juliet', id), undefined)
})

/** As if another server had sent it. */
function receive(world: AccountWorld, xml: string): Promise<void> {
  return world.deliver(Stanza.parse(xml))
}

async function bodies(person: Person): Promise<readonly (string | undefined)[]> {
  await person.ask('set', `<query xmlns='${NS_MAM}'/>`)
  return person
    .take()
    .map((stanza) => stanza.child('result', NS_MAM)?.child('forwarded', 'urn:xmpp:forward:0'))
    .filter((forwarded) => forwarded !== undefined)
    .map((forwarded) => forwarded.child('message', 'jabber:client')?.child('body')?.getText())
}
