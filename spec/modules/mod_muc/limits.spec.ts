/** XEP-0045 §14.6: what rooms and their services take, whoever asks for it, and however. */
import t from 'tap'
import { MucWorld, type Person, ROOM, SERVICE } from '../../support/muc-world.ts'

async function stage(config: string, values: Readonly<Record<string, string>> = {}) {
  const world = await MucWorld.open({ config })
  const romeo = world.person('romeo@localhost/r')
  await romeo.join('Romeo')
  await romeo.configure(values)
  romeo.take()
  return { world, romeo }
}

function register(person: Person, nick: string): Promise<void> {
  const type = `<field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#register</value></field>`
  const form = `<x xmlns='jabber:x:data' type='submit'>${type}<field var='muc#register_roomnick'><value>${nick}</value></field></x>`
  return person.say(`<iq to='${ROOM}' type='set' id='r'><query xmlns='jabber:iq:register'>${form}</query></iq>`)
}

t.test('the list of those who belong to a room has an end, by whatever way they come', async (t) => {
  const { world, romeo } = await stage('{ max_affiliations: 3, allow_unaffiliated_register: true }')
  await using _ = world
  const nurse = world.person('nurse@localhost/n')
  const guests = ['a', 'b', 'c'].map((name) => world.person(`${name}@far.example/x`))
  for (const guest of guests) await register(guest, `Guest ${guest.jid.node}`)
  t.strictSame(
    guests.map((guest) => guest.hear()),
    [['iq result'], ['iq result'], ['iq error resource-constraint']],
    'by registering',
  )
  romeo.take()
  await romeo.configure({ membersonly: '1' })
  romeo.take()
  await romeo.say(
    `<message to='${ROOM}'><x xmlns='http://jabber.org/protocol/muc#user'><invite to='nurse@localhost'/></x></message>`,
  )
  await romeo.administer(`<item affiliation='member' jid='nurse@localhost'/>`)
  await romeo.configure({ roomadmins: ['nurse@localhost'] })
  t.strictSame(romeo.hear(), [
    'message error resource-constraint',
    'iq error resource-constraint',
    'iq error resource-constraint',
  ])
  t.strictSame(nurse.hear(), [])

  await romeo.administer(`<item affiliation='outcast' jid='tybalt@localhost'/>`)
  t.match(romeo.hear().at(-1), 'iq result', 'however many there are, they can be banned')
  await romeo.administer(
    ['u', 'v', 'w'].map((name) => `<item affiliation='outcast' jid='${name}@localhost'/>`).join(''),
  )
  t.match(romeo.hear().at(-1), 'iq error resource-constraint', 'but not without end')
  await romeo.administer(`<item affiliation='outcast' jid='a@far.example'/>`)
  await romeo.administer(`<item affiliation='member' jid='nurse@localhost'/>`)
  t.match(romeo.hear().at(-1), 'iq result', 'a place was free')
  t.strictSame(world.complaints, [])
})

t.test('clients do not count as rooms, but there may not be too many of them', async (t) => {
  const { world, romeo } = await stage('{ max_rooms_per_user: 2, max_clients_per_room: 3 }')
  await using _ = world
  for (const name of ['b', 'c']) {
    await romeo.join('Romeo', `${name}@${SERVICE}`)
    await romeo.configure({}, `${name}@${SERVICE}`)
  }
  t.match(romeo.hear().at(-1), 'iq error item-not-found', 'a third room')
  const clients = ['1', '2', '3', '4'].map((resource) => world.person(`juliet@localhost/${resource}`))
  const entered = []
  for (const client of clients) {
    await client.join('Juliet')
    entered.push(client.hear().at(-1))
  }
  t.strictSame(entered.slice(0, 3), Array.from({ length: 3 }).fill('message groupchat room subject ""'))
  t.equal(entered[3], 'presence error resource-constraint')
  await clients[3]?.join('Juliet', `b@${SERVICE}`)
  t.equal(clients[3]?.hear().at(-1), 'message groupchat b subject ""', 'the second room')
  for (const client of clients) await client.leave('Juliet')
  await clients[0]?.leave('Juliet', `b@${SERVICE}`)
  await clients[3]?.leave('Juliet', `b@${SERVICE}`)
  clients[0]?.take()
  await clients[0]?.join('J', `b@${SERVICE}`)
  await clients[0]?.join('J')
  t.equal(clients[0]?.hear().at(-1), 'message groupchat room subject ""', 'whoever leaves is not counted any more')
  t.strictSame(world.complaints, [])
})

t.test('whoever asks again and again for everything has to wait', async (t) => {
  const { world, romeo } = await stage('{}')
  await using _ = world
  const juliet = world.person('juliet@localhost/j')
  let count = 0
  do await juliet.join('Juliet')
  while (!juliet.hear().some((line) => line.includes('error policy-violation')) && ++count < 50)
  t.ok(count >= 10 && count <= 20, `refused after ${count}`)
  t.ok((await world.rooms.find('room'))?.occupants.has('Juliet'), 'she is still there')
  world.clock.advance(2000)
  await juliet.join('Juliet')
  t.match(juliet.hear(), ['presence room/Romeo owner/moderator', /room\/Juliet \[110\]/, /subject/])
  romeo.take()
  t.strictSame(world.complaints, [])
})
