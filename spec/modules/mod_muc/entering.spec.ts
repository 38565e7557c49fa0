/** XEP-0045 §7.1–§7.2, §7.6, §7.7, §7.14, §10.1: coming, going, and what one is told. */
import t from 'tap'
import { MucWorld, ROOM } from '../../support/muc-world.ts'

const XMUC = `<x xmlns='http://jabber.org/protocol/muc'/>`

t.test('the creator is told so, and others wait until the room is configured', async (t) => {
  await using world = await MucWorld.open()
  const romeo = world.person('romeo@localhost/r')
  const juliet = world.person('juliet@localhost/j')
  await romeo.join('Romeo')
  t.strictSame(romeo.hear(), [
    'presence room/Romeo [201 110] owner/moderator jid=romeo@localhost/r',
    'message groupchat room subject ""',
  ])
  await juliet.join('Juliet')
  await juliet.say(`<iq to='${ROOM}' type='get' id='d'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`)
  await juliet.speak('hello')
  t.strictSame(
    juliet.hear(),
    ['presence error item-not-found', 'iq error item-not-found', 'message error item-not-found "hello"'].map((line) =>
      line.replace(' "hello"', ''),
    ),
  )
  await romeo.configure()
  t.strictSame(romeo.hear(), ['iq result'])
  await juliet.join('Juliet')
  t.strictSame(juliet.hear(), [
    'presence room/Romeo owner/moderator',
    'presence room/Juliet [110] none/participant jid=juliet@localhost/j',
    'message groupchat room subject ""',
  ])
  t.strictSame(romeo.hear(), ['presence room/Juliet none/participant jid=juliet@localhost/j'])
  t.strictSame(world.complaints, [])
})

t.test('an owner who does not configure the room agrees with the defaults, or gives it up', async (t) => {
  await using world = await MucWorld.open()
  const romeo = world.person('romeo@localhost/r')
  const juliet = world.person('juliet@localhost/j')
  await romeo.join('Romeo')
  world.clock.advance(5 * 60 * 1000)
  await world.settled()
  await juliet.join('Juliet')
  t.match(juliet.hear()[1], /room\/Juliet \[110\]/)

  await romeo.join('Romeo', `other@conference.localhost`)
  await romeo.leave('Romeo', `other@conference.localhost`)
  await world.settled()
  t.equal(await world.rooms.find('other'), undefined, 'left without configuring it (§10.1.3)')

  await romeo.join(' ', 'blank@conference.localhost')
  t.equal(romeo.hear().at(-1), 'presence error not-allowed')
  t.equal(await world.rooms.find('blank'), undefined, 'a room that nobody could enter')

  await romeo.join('Romeo', `third@conference.localhost`)
  romeo.take()
  await romeo.say(
    `<iq to='third@conference.localhost' type='set' id='c'><query xmlns='http://jabber.org/protocol/muc#owner'><x xmlns='jabber:x:data' type='cancel'/></query></iq>`,
  )
  t.strictSame(romeo.hear(), ['presence unavailable third/Romeo [110] owner/none jid=romeo@localhost/r', 'iq result'])
  t.equal(await world.rooms.find('third'), undefined, 'cancelled (§10.1.3)')
})

t.test('who may make rooms is configured', async (t) => {
  for (const [policy, may] of [
    ['local', ['romeo@localhost/r', 'admin@localhost/a']],
    ['admins', ['admin@localhost/a']],
    ['anyone', ['romeo@localhost/r', 'far@away.example/x', 'admin@localhost/a']],
  ] as const) {
    await using world = await MucWorld.open({
      config: `{ restrict_room_creation: ${policy}, admins: [admin@localhost] }`,
    })
    for (const address of ['romeo@localhost/r', 'far@away.example/x', 'admin@localhost/a']) {
      const person = world.person(address)
      await person.join('Nick', `${person.jid.node}@conference.localhost`)
      const expected = may.some((each) => each === address) ? /\[201 110\]/ : /presence error not-allowed/
      t.match(person.hear()[0], expected, `${policy}: ${address}`)
    }
  }
})

t.test('refuses entry as the XEP names it, in that order', async (t) => {
  await using world = await MucWorld.open({ config: '{ max_nick_length: 20 }' })
  const romeo = world.person('romeo@localhost/r')
  const juliet = world.person('juliet@localhost/j')
  await romeo.join('Romeo')
  await romeo.configure({ roomsecret: 'cauldronburn', maxusers: '10' })
  await romeo.administer(
    `<item affiliation='outcast' jid='tybalt@localhost'/><item affiliation='outcast' jid='bad.example'/><item affiliation='member' jid='good@bad.example'/><item affiliation='member' nick='Nurse' jid='nurse@localhost'/>`,
  )
  const password = (text: string): string => `<password>${text}</password>`
  const refused = async (address: string, nick: string, inside = ''): Promise<string | undefined> => {
    const person = world.person(address)
    await person.join(nick, ROOM, inside)
    return person.hear().at(-1)
  }
  t.equal(await refused('tybalt@localhost/t', 'Tybalt', password('cauldronburn')), 'presence error forbidden')
  t.equal(await refused('x@bad.example/t', 'X', password('cauldronburn')), 'presence error forbidden')
  t.equal(await refused('juliet@localhost/j', 'Juliet'), 'presence error not-authorized')
  t.equal(await refused('juliet@localhost/j', 'Juliet', password('wrong')), 'presence error not-authorized')
  t.equal(await refused('juliet@localhost/j', 'Romeo', password('cauldronburn')), 'presence error conflict')
  t.equal(await refused('juliet@localhost/j', 'Nurse', password('cauldronburn')), 'presence error conflict', 'reserved')
  t.equal(await refused('juliet@localhost/j', ' ', password('cauldronburn')), 'presence error not-allowed')
  t.equal(
    await refused('juliet@localhost/j', 'A'.repeat(21), password('cauldronburn')),
    'presence error not-acceptable',
  )
  for (const nick of ['🤖', 'Juliet \u{1f110}', 'Juliet \u{e0080}']) {
    t.equal(await refused('juliet@localhost/j', nick, password('cauldronburn')), 'presence error jid-malformed')
  }
  t.equal(await refused('good@bad.example/t', 'Good', password('cauldronburn')), 'message groupchat room subject ""')
  await juliet.say(`<presence to='${ROOM}'>${XMUC}</presence>`)
  t.equal(juliet.hear()[0], 'presence error jid-malformed', 'no nickname (§7.2.1)')
  await juliet.say(`<presence to='${ROOM}/Juliet'/>`)
  t.equal(juliet.hear()[0], 'presence error item-not-found', 'not in the room')
  await juliet.say(`<presence to='nowhere@conference.localhost/Juliet'/>`)
  t.equal(juliet.hear()[0], 'presence error item-not-found', 'no such room')
  await juliet.say(`<presence to='${ROOM}/Juliet' type='subscribe'/>`)
  t.equal(juliet.hear()[0], 'presence error bad-request')
  await juliet.say(`<presence to='${ROOM}/Juliet' type='unavailable'/>`)
  await juliet.say(`<presence to='${ROOM}/Juliet' type='error'/>`)
  t.strictSame(juliet.hear(), [], 'means nothing (§17.3)')
  // Owners need no password.
  await world.person('romeo@localhost/phone').join('Romeo')
  t.match(world.person('romeo@localhost/phone').hear().at(-2), /\[110\]/)

  await romeo.configure({ membersonly: '1', roomsecret: '' })
  t.equal(await refused('juliet@localhost/j', 'Juliet'), 'presence error registration-required')
})

t.test('errors are by the room, and say which stanza they refuse', async (t) => {
  await using world = await MucWorld.open()
  const romeo = world.person('romeo@localhost/r')
  await romeo.say(`<presence to='${ROOM}/Romeo' id='x'/>`)
  const [error] = romeo.take()
  t.equal(error?.id, 'x')
  t.equal(error?.from, `${ROOM}/Romeo`)
  t.equal(error?.child('error')?.attrs['by'], ROOM)
  t.equal(error?.child('error')?.attrs['type'], 'cancel')
})

t.test('a room has room for so many, and some more for its admins', async (t) => {
  await using world = await MucWorld.open({ config: '{ max_occupants: 2, max_rooms_per_user: 1 }' })
  const romeo = world.person('romeo@localhost/r')
  await romeo.join('Romeo')
  await romeo.configure()
  await romeo.administer(`<item affiliation='admin' jid='nurse@localhost'/>`)
  await world.person('juliet@localhost/j').join('Juliet')
  await world.person('tybalt@localhost/t').join('Tybalt')
  t.equal(world.person('tybalt@localhost/t').hear()[0], 'presence error service-unavailable')
  await world.person('nurse@localhost/n').join('Nurse')
  t.match(world.person('nurse@localhost/n').hear().at(-2), /\[110\]/)
  await world.person('nurse@localhost/n').join('Nurse', 'other@conference.localhost')
  t.equal(world.person('nurse@localhost/n').hear().at(-1), 'presence error resource-constraint')
})

t.test('several clients share a nickname, split and merge', async (t) => {
  await using world = await MucWorld.open()
  const romeo = world.person('romeo@localhost/r')
  const phone = world.person('juliet@localhost/phone')
  const desk = world.person('juliet@localhost/desk')
  await romeo.join('Romeo')
  await romeo.configure()
  await phone.join('Juliet')
  romeo.take()
  phone.take()

  await desk.join('Juliet')
  const both = 'none/participant jid=juliet@localhost/phone none/participant jid=juliet@localhost/desk'
  t.strictSame(romeo.hear(), [`presence room/Juliet ${both}`])
  t.strictSame(phone.hear(), [`presence room/Juliet [110] ${both}`])
  t.match(desk.hear(), [
    'presence room/Romeo owner/moderator',
    `presence room/Juliet [110] ${both}`,
    'message groupchat room',
  ])

  await phone.speak('from the phone')
  for (const person of [romeo, phone, desk])
    t.strictSame(person.hear(), ['message groupchat room/Juliet "from the phone"'])

  await desk.say(`<presence to='${ROOM}/Jule'/>`)
  t.strictSame(romeo.hear(), [
    'presence room/Juliet none/participant jid=juliet@localhost/phone',
    'presence room/Jule none/participant jid=juliet@localhost/desk',
  ])
  t.strictSame(desk.hear(), [
    'presence unavailable room/Juliet [303 110] none/participant nick=Jule jid=juliet@localhost/desk',
    'presence room/Juliet none/participant',
    'presence room/Jule [110] none/participant jid=juliet@localhost/desk',
  ])
  t.strictSame(phone.hear(), [
    'presence room/Juliet [110] none/participant jid=juliet@localhost/phone',
    'presence room/Jule none/participant',
  ])

  await desk.say(`<presence to='${ROOM}/Juliet'/>`)
  t.strictSame(romeo.hear(), [
    'presence unavailable room/Jule [303] none/participant nick=Juliet jid=juliet@localhost/desk',
    `presence room/Juliet ${both}`,
  ])
  desk.take()
  phone.take()

  await phone.leave('Juliet')
  t.strictSame(romeo.hear(), ['presence room/Juliet none/participant jid=juliet@localhost/desk'])
  t.strictSame(phone.hear(), ['presence unavailable room/Juliet [110] none/none jid=juliet@localhost/phone'])
  desk.take()
  await romeo.administer(`<item nick='Juliet' role='none'/>`)
  t.match(desk.hear(), ['presence unavailable room/Juliet [307 110] none/none jid=juliet@localhost/desk'])
})

t.test('nicknames change unless they are taken', async (t) => {
  await using world = await MucWorld.open()
  const romeo = world.person('romeo@localhost/r')
  const juliet = world.person('juliet@localhost/j')
  await romeo.join('Romeo')
  await romeo.configure()
  await juliet.join('Juliet')
  romeo.take()
  juliet.take()
  await juliet.say(`<presence to='${ROOM}/Jule' id='n'><show>away</show></presence>`)
  t.strictSame(romeo.hear(), [
    'presence unavailable room/Juliet [303] none/participant nick=Jule jid=juliet@localhost/j',
    'presence room/Jule none/participant jid=juliet@localhost/j',
  ])
  const [gone, come] = juliet.take()
  t.equal(gone?.type, 'unavailable')
  t.equal(come?.id, 'n', 'the id tells whose answer this is')
  t.equal(come?.childText('show'), 'away')
  await juliet.say(`<presence to='${ROOM}/Romeo'/>`)
  t.strictSame(juliet.hear(), ['presence error conflict'])
  await juliet.say(`<presence to='${ROOM}/ '/>`)
  t.strictSame(juliet.hear(), ['presence error not-allowed'])
  t.strictSame(romeo.hear(), [])
})

t.test('what only rooms may say is taken away, whatever a client claims', async (t) => {
  await using world = await MucWorld.open()
  const romeo = world.person('romeo@localhost/r')
  const juliet = world.person('juliet@localhost/j')
  await romeo.join('Romeo')
  await romeo.configure()
  await juliet.join('Juliet')
  romeo.take()
  const lies = `<x xmlns='http://jabber.org/protocol/muc#user'><item affiliation='owner' role='moderator'/><status code='100'/></x>
    <occupant-id xmlns='urn:xmpp:occupant-id:0' id='lie'/><occupant-id xmlns='urn:xmpp:occupant-id:0' id='lie2'/>
    <hats xmlns='urn:xmpp:hats:0'/><delay xmlns='urn:xmpp:delay' from='${ROOM}' stamp='2020-01-01T00:00:00Z'/>
    <stanza-id xmlns='urn:xmpp:sid:0' by='${ROOM}' id='lie'/><stanza-id xmlns='urn:xmpp:sid:0' by='other@x.example' id='kept'/>`
  await juliet.say(`<presence to='${ROOM}/Juliet'>${lies}<show>dnd</show></presence>`)
  await juliet.say(`<message to='${ROOM}' type='groupchat'>${lies}<body>hi</body></message>`)
  await juliet.say(`<message to='${ROOM}/Romeo' type='chat'>${lies}<body>hi</body></message>`)
  const heard = romeo.take()
  t.equal(heard.length, 3)
  const ids = new Set<string | undefined>()
  for (const stanza of heard) {
    t.equal(stanza.children('occupant-id', 'urn:xmpp:occupant-id:0').length, 1)
    ids.add(stanza.child('occupant-id', 'urn:xmpp:occupant-id:0')?.attrs['id'])
    t.equal(stanza.has('hats', 'urn:xmpp:hats:0'), false)
    t.equal(stanza.has('delay', 'urn:xmpp:delay'), false)
    const stanzaIds = stanza.children('stanza-id', 'urn:xmpp:sid:0').map(({ attrs }) => [attrs['by'], attrs['id']])
    t.strictSame(stanzaIds[0], ['other@x.example', 'kept'])
    t.equal(stanzaIds.length, stanza.type === 'groupchat' ? 2 : 1, 'rooms name what is said to all')
    t.notOk(stanzaIds.some(([, id]) => id === 'lie'))
    const x = stanza.children('x', 'http://jabber.org/protocol/muc#user')
    t.equal(x.length, stanza.type === 'groupchat' ? 0 : 1)
    t.notMatch(x.join(''), /owner/)
  }
  t.equal(ids.size, 1, 'the same person has the same id')
  t.notOk(ids.has('lie'))
})

t.test('whoever cannot be reached has left', async (t) => {
  await using world = await MucWorld.open()
  const romeo = world.person('romeo@localhost/r')
  const juliet = world.person('juliet@localhost/j')
  await romeo.join('Romeo')
  await romeo.configure()
  await juliet.join('Juliet')
  romeo.take()
  juliet.isReachable = false
  await romeo.speak('anybody?')
  await world.settled()
  const [, gone] = romeo.take()
  t.equal(gone?.childText('status'), 'Kicked: recipient unavailable')
  t.match(String(gone), /<status code='307'\/><status code='333'\/><item/)
  // What cannot be delivered for other reasons does not count.
  juliet.isReachable = true
  await juliet.join('Juliet')
  romeo.take()
  await juliet.say(
    `<message to='${ROOM}/Romeo' type='error'><error type='cancel'><not-acceptable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error></message>`,
  )
  t.strictSame(romeo.hear(), [])
})

t.test('nobody can look like somebody else who is there (§14.6)', async (t) => {
  await using world = await MucWorld.open()
  const romeo = world.person('romeo@localhost/r')
  const tybalt = world.person('tybalt@localhost/t')
  await romeo.join('Romeo')
  await romeo.configure()
  const tries = async (nick: string): Promise<string | undefined> => {
    tybalt.take()
    await tybalt.join(nick)
    return tybalt.hear().find((line) => line.includes('error') || line.includes('110'))
  }
  for (const nick of ['Romeo ', ' Romeo', 'R\u043emeo', 'Rome\u03bf', 'R\u043eme\u03bf'])
    t.equal(await tries(nick), 'presence error conflict', JSON.stringify(nick))
  for (const nick of ['\u2800', '\u{1d159}']) t.equal(await tries(nick), 'presence error not-allowed', 'blank')
  t.match(await tries('romeo'), /room\/romeo \[110\]/, 'this one can be told from the other')
  await tybalt.say(`<presence to='${ROOM}/Romeo '/>`)
  t.equal(tybalt.hear().at(-1), 'presence error conflict', 'nor by a change of the nickname')
  await romeo.join('Romeo ')
  t.match(romeo.hear().join(' '), /nick=Romeo {2}jid/, 'but somebody can look like oneself')
  await romeo.leave('Romeo ')
  t.match(await tries('Romeo '), /nick=Romeo /, 'when there is nobody to be taken for')
  romeo.take()
  await romeo.join('Romeo')
  t.equal(romeo.hear()[0], 'presence error conflict')
})

t.test('whoever has registered a nickname cannot be kept out by one that looks like it', async (t) => {
  await using world = await MucWorld.open()
  const romeo = world.person('romeo@localhost/r')
  const juliet = world.person('juliet@localhost/j')
  const tybalt = world.person('tybalt@localhost/t')
  await romeo.join('Romeo')
  await romeo.configure()
  await romeo.administer(`<item affiliation='member' jid='juliet@localhost' nick='Juliet'/>`)
  await tybalt.join('Juli\u0435t')
  t.match(tybalt.hear().join(' '), /110/)
  await juliet.join('Juliet')
  t.match(juliet.hear().join(' '), /room\/Juliet \[110\]/)
})
