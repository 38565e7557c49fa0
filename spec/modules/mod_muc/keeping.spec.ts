/** What is there after the service was away, and what goes. */
import t from 'tap'
import { Storage } from '../../../storage/storage.ts'
import { StorageError } from '../../../storage/storage-error.ts'
import { archive, type Opened, type StoreSpecs } from '../../../storage/store.ts'
import { MucWorld, ROOM, SERVICE, summary } from '../../support/muc-world.ts'
import { FakeClock } from '../../support/fake-clock.ts'

t.test('what was acknowledged is there after a crash', async (t) => {
  // The first world is never closed: it has been killed.
  const before = await MucWorld.open()
  const romeo = before.person('romeo@localhost/r')
  await romeo.join('Romeo')
  await romeo.configure({ roomname: 'Cave', roomsecret: 'x', publicroom: '1', historylength: '3' })
  await romeo.speak('zero')
  await romeo.configure({ persistentroom: '1' })
  await romeo.administer(
    `<item affiliation='member' jid='nurse@localhost' nick='Nurse'/><item affiliation='outcast' jid='evil.example'><reason>spam</reason></item>`,
  )
  await romeo.say(`<message to='${ROOM}' type='groupchat'><subject>spells</subject></message>`)
  for (const body of ['one', 'two']) await romeo.speak(body)
  const id = romeo.take().at(-1)?.child('occupant-id', 'urn:xmpp:occupant-id:0')?.attrs['id']
  const avatar = Buffer.from('image').toString('base64')
  await romeo.say(
    `<iq to='${ROOM}' type='set' id='v'><vCard xmlns='vcard-temp'><PHOTO><BINVAL>${avatar}</BINVAL></PHOTO></vCard></iq>`,
  )
  await before.settled()

  await using after = await MucWorld.open({ storage: before.storage })
  const nurse = after.person('nurse@localhost/n')
  await nurse.join('Nurse')
  t.strictSame(nurse.hear(), ['presence error not-authorized'])
  await nurse.join('Nurse', ROOM, '<password>x</password>')
  t.strictSame(nurse.hear(), [
    'presence room/Nurse [110] member/participant jid=nurse@localhost/n',
    'message groupchat room/Romeo "zero"',
    'message groupchat room/Romeo "one"',
    'message groupchat room/Romeo "two"',
    'message groupchat room/Romeo subject "spells"',
  ])
  const evil = after.person('x@evil.example/x')
  await evil.join('X')
  t.strictSame(evil.hear(), ['presence error forbidden'])
  const again = after.person('romeo@localhost/s')
  await again.join('Romeo')
  await again.speak('back')
  t.equal(again.take().at(-1)?.child('occupant-id', 'urn:xmpp:occupant-id:0')?.attrs['id'], id, 'the same person')
  await again.say(
    `<iq to='conference.localhost' type='get' id='l'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>`,
  )
  t.match(String(again.take()[0]), `<item jid='${ROOM}' name='Cave'/>`)
})

t.test('only as much history is stored as is kept', async (t) => {
  const before = await MucWorld.open({ config: '{ default_persistent: true, default_history_length: 3 }' })
  const romeo = before.person('romeo@localhost/r')
  await romeo.join('Romeo')
  await romeo.configure()
  for (let i = 1; i <= 50; i++) await romeo.speak(`m${i}`)
  await before.settled()
  const stores = await before.storage.open('conference.localhost', { history: archive('muc_history') })
  t.ok((await stores.history.count('room', {})) <= 6)
  await using after = await MucWorld.open({ storage: before.storage })
  const late = after.person('romeo@localhost/s')
  await late.join('Romeo')
  t.strictSame(
    late.hear().slice(1, -1),
    ['48', '49', '50'].map((n) => `message groupchat room/Romeo "m${n}"`),
  )
})

t.test('temporary rooms go with the last who leaves, persistent ones rest', async (t) => {
  await using world = await MucWorld.open({ config: '{ rooms_at_hand: 1 }' })
  const romeo = world.person('romeo@localhost/r')
  for (const name of ['kept', 'also']) {
    await romeo.join('Romeo', `${name}@conference.localhost`)
    await romeo.configure({ persistentroom: '1', roomname: name }, `${name}@conference.localhost`)
    await romeo.leave('Romeo', `${name}@conference.localhost`)
  }
  await romeo.join('Romeo')
  await romeo.configure({ roomname: 'gone' })
  await romeo.leave('Romeo')
  await world.settled()
  t.strictSame([...world.rooms.nodes], ['kept', 'also'])
  romeo.take()
  await romeo.join('Romeo', 'kept@conference.localhost')
  t.match(romeo.hear()[0], 'presence room/Romeo [110]'.replace('room', 'kept'), 'it was not in memory any more')
  await world.person('juliet@localhost/j').join('Juliet')
  t.match(world.person('juliet@localhost/j').hear()[0], /\[201 110\] owner/, 'the name is free')
})

t.test('a room that is made temporary goes when nobody is in it', async (t) => {
  await using world = await MucWorld.open()
  const romeo = world.person('romeo@localhost/r')
  await romeo.join('Romeo')
  await romeo.configure({ persistentroom: '1' })
  await romeo.leave('Romeo')
  await romeo.configure({ persistentroom: '0' })
  await world.settled()
  t.strictSame([...world.rooms.nodes], [])
})

t.test('a temporary room whose occupants a crash has scattered waits for them', async (t) => {
  const before = await MucWorld.open()
  const romeo = before.person('romeo@localhost/r')
  await romeo.join('Romeo')
  await romeo.configure({ membersonly: '1' })
  await before.settled()

  const after = await MucWorld.open({ storage: before.storage })
  const stranger = after.person('tybalt@localhost/t')
  await stranger.join('Romeo')
  t.strictSame(stranger.hear(), ['presence error registration-required'], 'nobody can take it over')
  await after.person('romeo@localhost/r').join('Romeo')
  t.match(after.person('romeo@localhost/r').hear()[0], 'presence room/Romeo [110] owner/moderator')
  await after.person('romeo@localhost/r').leave('Romeo')
  await after.settled()
  t.strictSame([...after.rooms.nodes], [])

  const lost = await MucWorld.open()
  await lost.person('romeo@localhost/r').join('Romeo')
  await lost.person('romeo@localhost/r').configure()
  await lost.settled()
  await using found = await MucWorld.open({ storage: lost.storage })
  t.strictSame([...found.rooms.nodes], ['room'])
  found.clock.advance(3600 * 1000)
  await found.settled()
  t.strictSame([...found.rooms.nodes], [], 'but not for ever')
})

t.test('when the service ends and begins again, nobody notices', async (t) => {
  const world = await MucWorld.open()
  const romeo = world.person('romeo@localhost/r')
  const juliet = world.person('juliet@far.example/j')
  const phone = world.person('juliet@far.example/phone')
  const nurse = world.person('nurse@localhost/n')
  await romeo.join('Romeo')
  await romeo.configure({ moderatedroom: '1' })
  await juliet.say(
    `<presence to='${ROOM}/Juliet'><x xmlns='http://jabber.org/protocol/muc'/><status>on the balcony</status></presence>`,
  )
  await phone.join('Juliet')
  await nurse.join('Nurse')
  await romeo.administer("<item nick='Juliet' role='participant'/>")
  await romeo.speak('before')
  const people = [romeo, juliet, phone]
  for (const person of people) person.take()
  await world.close()
  t.strictSame(
    people.flatMap((person) => person.hear()),
    [],
  )
  await juliet.speak('too late')

  await using again = await MucWorld.open({ storage: world.storage, people })
  phone.take()
  await juliet.speak('after')
  t.match(
    romeo.hear(),
    ['presence unavailable room/Nurse none/none', 'message groupchat room/Juliet "after"'],
    'in a temporary room, and with the same role; but those who have gone meanwhile are gone',
  )
  t.strictSame(phone.hear().slice(1), ['message groupchat room/Juliet "after"'])
  const tybalt = again.person('tybalt@localhost/t')
  await tybalt.join('Tybalt')
  const heard = tybalt.take()
  t.match(heard.map(summary), [
    'presence room/Romeo owner/moderator',
    'presence room/Juliet none/participant',
    /Tybalt/,
    'message groupchat room/Romeo "before"',
    'message groupchat room/Juliet "after"',
    /subject/,
  ])
  await phone.leave('Juliet')
  await juliet.leave('Juliet')
  await romeo.leave('Romeo')
  await tybalt.leave('Tybalt')
  await again.settled()
  t.strictSame([...again.rooms.nodes], [], 'when all have left, it is gone')
  await again.close()
  await using last = await MucWorld.open({ storage: world.storage })
  t.strictSame([...last.rooms.live], [], 'nobody is restored twice')
  t.strictSame([...world.complaints, ...again.complaints, ...last.complaints], [])
})

t.test('quiet rooms leave memory, with those in them', async (t) => {
  await using world = await MucWorld.open()
  const romeo = world.person('romeo@localhost/r')
  const juliet = world.person('juliet@localhost/j')
  await romeo.join('Romeo')
  await romeo.configure()
  await romeo.join('Romeo', `other@${SERVICE}`)
  await romeo.configure({}, `other@${SERVICE}`)
  await juliet.join('Juliet')
  for (const person of [romeo, juliet]) person.take()
  world.clock.advance(1800 * 1000)
  await romeo.speak('not quiet', `other@${SERVICE}`)
  world.clock.advance(1800 * 1000)
  await world.settled()
  t.strictSame(
    [...world.rooms.live].map(({ node }) => node),
    ['other'],
  )
  t.equal(world.rooms.occupancy('room'), 2)
  romeo.take()
  await juliet.speak('again')
  t.strictSame(romeo.hear(), ['message groupchat room/Juliet "again"'])
  t.strictSame(
    [...world.rooms.live].map(({ node }) => node),
    ['other', 'room'],
  )
  t.strictSame(world.complaints, [])
})

t.test('where rooms are not locked, they are there for all at once, and stored', async (t) => {
  const before = await MucWorld.open({ config: '{ lock_new_rooms: false, default_persistent: true }' })
  await before.person('romeo@localhost/r').join('Romeo', ROOM, '<password>x</password>')
  await before.person('juliet@localhost/j').join('Juliet')
  t.strictSame(
    before.person('juliet@localhost/j').hear(),
    ['presence error not-authorized'],
    'the password of the creator',
  )
  await using after = await MucWorld.open({ storage: before.storage })
  t.strictSame([...after.rooms.nodes], ['room'])
})

t.test('what cannot be stored has not happened', async (t) => {
  const storage = await Storage.start(
    { driver: 'memory' },
    { clock: new FakeClock(Date.parse('2026-01-01T00:00:00Z')) },
  )
  let isDown = false
  const open = storage.open.bind(storage)
  storage.open = async <S extends StoreSpecs>(host: string, specs: S) => {
    const stores = Object.entries<unknown>(await open(host, specs))
    // Each store as it was, but for what it refuses.
    return Object.fromEntries(stores.map(([name, store]) => [name, faulty(store as object, () => isDown)])) as Opened<S>
  }
  await using world = await MucWorld.open({ storage, config: '{ allow_unaffiliated_register: true }' })
  const romeo = world.person('romeo@localhost/r')
  const juliet = world.person('juliet@localhost/j')
  await romeo.join('Romeo')
  await romeo.configure({ persistentroom: '1' })
  await juliet.join('Juliet')
  romeo.take()
  juliet.take()

  isDown = true
  await romeo.administer(`<item affiliation='outcast' jid='juliet@localhost'/>`)
  await romeo.configure({ membersonly: '1', roomname: 'x' })
  await romeo.say(`<message to='${ROOM}' type='groupchat' id='s'><subject>new</subject></message>`)
  await romeo.say(
    `<iq to='${ROOM}' type='set' id='d'><query xmlns='http://jabber.org/protocol/muc#owner'><destroy/></query></iq>`,
  )
  t.strictSame(romeo.hear(), [
    'iq error internal-server-error',
    'iq error internal-server-error',
    'message error internal-server-error',
    'iq error internal-server-error',
  ])
  t.strictSame(juliet.hear(), [], 'nobody has heard of it')
  isDown = false
  await juliet.speak('still here')
  t.strictSame(romeo.hear(), ['message groupchat room/Juliet "still here"'])
  await romeo.say(`<iq to='${ROOM}' type='get' id='i'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`)
  t.match(String(romeo.take()[0]), /name='room'.*muc_open/)
  await romeo.administer(`<item affiliation='outcast' jid='juliet@localhost'/>`)
  t.equal(romeo.hear().at(-1), 'iq result')

  isDown = true
  await world.close()
  t.strictSame(romeo.hear(), ['presence unavailable room/Romeo [332 110] owner/none jid=romeo@localhost/r'])
  t.match(world.complaints, [/stanzas refused, since storage fails/, /occupants could not be stored/])
})

/** A store that refuses to write while the database is down. */
function faulty(store: object, isDown: () => boolean): object {
  return new Proxy(store, {
    get(target, key) {
      if (isDown() && (key === 'set' || key === 'setMany' || key === 'clear')) {
        return () => Promise.reject(new StorageError('unavailable', 'the database is down'))
      }
      const value: unknown = Reflect.get(target, key)
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
}
