/** XEP-0045 §7.10, §8, §9, §10.3–§10.8: roles, affiliations and nicknames, and what is refused. */
import t from 'tap'
import { MucWorld, type Person, ROOM } from '../../support/muc-world.ts'

interface Stage {
  readonly world: MucWorld
  readonly romeo: Person
  readonly juliet: Person
  readonly tybalt: Person
}

/** Romeo owns the room, Juliet is an admin, Tybalt is a stranger; all are in it, with empty inboxes. */
async function stage(config = '{}'): Promise<Stage> {
  const world = await MucWorld.open({ config })
  const romeo = world.person('romeo@localhost/r')
  const juliet = world.person('juliet@localhost/j')
  const tybalt = world.person('tybalt@localhost/t')
  await romeo.join('Romeo')
  await romeo.configure()
  await romeo.administer(`<item affiliation='admin' jid='juliet@localhost'/>`)
  await juliet.join('Juliet')
  await tybalt.join('Tybalt')
  for (const person of [romeo, juliet, tybalt]) person.take()
  return { world, romeo, juliet, tybalt }
}

const ask = (person: Person, item: string): Promise<void> =>
  person.say(
    `<iq to='${ROOM}' type='get' id='g'><query xmlns='http://jabber.org/protocol/muc#admin'>${item}</query></iq>`,
  )

const register = (person: Person, inside: string, type = 'set'): Promise<void> =>
  person.say(`<iq to='${ROOM}' type='${type}' id='r'><query xmlns='jabber:iq:register'>${inside}</query></iq>`)

const nickForm = (nick: string): string =>
  `<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#register</value></field><field var='muc#register_roomnick'><value>${nick}</value></field></x>`

t.test('a kick tells everybody who did it, as far as they may know', async (t) => {
  const { world, romeo, juliet, tybalt } = await stage()
  await using _ = world
  const nurse = world.person('nurse@localhost/n')
  await nurse.join('Nurse')
  for (const person of [romeo, juliet, tybalt, nurse]) person.take()
  await juliet.administer(`<item nick='Tybalt' role='none'><reason>quarrels</reason></item>`)
  const heard = (person: Person): string => String(person.take()[0]).replaceAll(/<occupant-id[^>]*>/g, '')
  t.match(
    heard(romeo),
    /<status code='307'\/><item affiliation='none' role='none' jid='tybalt@localhost\/t'><actor jid='juliet@localhost\/j' nick='Juliet'\/><reason>quarrels<\/reason><\/item><\/x>/,
  )
  t.match(
    heard(nurse),
    /<status code='307'\/><item affiliation='none' role='none'><actor nick='Juliet'\/><reason>quarrels<\/reason><\/item><\/x>/,
  )
  t.match(
    heard(tybalt),
    /<item affiliation='none' role='none' jid='tybalt@localhost\/t'><actor nick='Juliet'\/><reason>quarrels<\/reason><\/item><status code='110'\/><\/x>/,
  )
  t.equal(juliet.hear().at(-1), 'iq result', 'the result comes last')
})

t.test('several changes at once are made all, or none', async (t) => {
  const { world, romeo, juliet, tybalt } = await stage()
  await using _ = world
  const nurse = world.person('nurse@localhost/n')
  await nurse.join('Nurse')
  for (const person of [romeo, juliet, tybalt, nurse]) person.take()
  await juliet.administer(`<item nick='Tybalt' role='visitor'/><item nick='Nurse' role='visitor'/>`)
  t.strictSame(juliet.hear().slice(-1), ['iq result'])
  t.match(nurse.hear(), [/Tybalt none\/visitor/, /Nurse \[110\] none\/visitor/])
  for (const person of [romeo, tybalt]) person.take()
  await juliet.administer(`<item nick='Tybalt' role='participant'/><item nick='Romeo' role='visitor'/>`)
  t.strictSame(juliet.hear(), ['iq error not-allowed'])
  await juliet.administer(
    `<item affiliation='member' jid='a@localhost'/><item affiliation='outcast' jid='romeo@localhost'/>`,
  )
  t.strictSame(juliet.hear(), ['iq error not-allowed'])
  t.strictSame(
    [romeo, tybalt, nurse].flatMap((person) => person.hear()),
    [],
    'nothing has happened',
  )
  await ask(juliet, `<item affiliation='member'/>`)
  t.notMatch(String(juliet.take()[0]), /a@localhost/)
  await juliet.administer(`<item affiliation='member' jid='a@localhost'/><item nick='Tybalt' role='participant'/>`)
  t.equal(juliet.hear().at(-1), 'iq result', 'of both kinds')
})

t.test('a change of affiliations may leave nothing to do for a change of roles', async (t) => {
  const { world, romeo, juliet, tybalt } = await stage()
  await using _ = world
  await romeo.administer(`<item affiliation='outcast' jid='tybalt@localhost'/><item role='none' nick='Tybalt'/>`)
  t.strictSame(
    juliet.hear(),
    ['presence unavailable room/Tybalt [301] outcast/none jid=tybalt@localhost/t'],
    'nobody leaves twice',
  )
  t.strictSame(tybalt.hear(), ['presence unavailable room/Tybalt [301 110] outcast/none jid=tybalt@localhost/t'])
  t.strictSame(world.complaints, [])
})

t.test('a reserved nickname stays with another affiliation, however somebody is named', async (t) => {
  const { world, romeo } = await stage()
  await using _ = world
  await romeo.administer(`<item affiliation='member' jid='juliet@localhost' nick='Capulet'/>`)
  await romeo.administer(`<item affiliation='owner' nick='Juliet'/>`)
  const room = await world.rooms.find('room')
  t.match(room?.affiliates.get('juliet@localhost'), { affiliation: 'owner', nick: 'Capulet' })
})

t.test('requests that make no sense are refused', async (t) => {
  const { world, romeo, juliet, tybalt } = await stage()
  await using _ = world
  const refused = async (person: Person, items: string): Promise<string> => {
    await person.administer(items)
    return person.hear().join()
  }
  t.equal(await refused(juliet, ''), 'iq error bad-request')
  t.equal(await refused(juliet, `<item/>`), 'iq error bad-request')
  t.equal(await refused(juliet, `<item role='visitor' affiliation='member' nick='Tybalt'/>`), 'iq error bad-request')
  t.equal(await refused(juliet, `<item role='king' nick='Tybalt'/>`), 'iq error bad-request')
  t.equal(await refused(juliet, `<item role='visitor'/>`), 'iq error bad-request')
  t.equal(await refused(juliet, `<item affiliation='member'/>`), 'iq error bad-request')
  t.equal(await refused(juliet, `<item affiliation='member' jid='@'/>`), 'iq error jid-malformed')
  t.equal(await refused(juliet, `<item role='visitor' nick='Nobody'/>`), 'iq error item-not-found')
  t.equal(
    await refused(juliet, `<item role='visitor' nick='Tybalt'/><item role='none' nick='Tybalt'/>`),
    'iq error bad-request',
  )
  t.equal(await refused(tybalt, `<item role='none' nick='Romeo'/>`), 'iq error forbidden')
  t.equal(await refused(tybalt, `<item affiliation='owner' jid='tybalt@localhost'/>`), 'iq error forbidden')
  t.equal(await refused(juliet, `<item affiliation='outcast' jid='juliet@localhost'/>`), 'iq error conflict')
  t.equal(await refused(juliet, `<item affiliation='member' jid='example.org'/>`), 'iq error not-acceptable')
  t.equal(
    await refused(romeo, `<item affiliation='admin' jid='romeo@localhost'/>`),
    'iq error conflict',
    'the last owner',
  )
  t.equal(
    await refused(
      romeo,
      `<item affiliation='member' jid='x@localhost' nick='A'/><item affiliation='member' jid='y@localhost' nick='A'/>`,
    ),
    'iq error conflict',
  )
  await romeo.administer(`<item affiliation='owner' jid='juliet@localhost'/>`)
  romeo.take()
  t.match(
    await refused(romeo, `<item affiliation='admin' jid='romeo@localhost/phone'/>`),
    /admin\/moderator.*iq result/,
    'full JIDs stand for people',
  )
})

t.test('a ban goes by person, or by domain', async (t) => {
  const { world, romeo, juliet, tybalt } = await stage()
  await using _ = world
  await juliet.administer(`<item affiliation='member' jid='tybalt@localhost' nick='Tybalt'/>`)
  for (const person of [romeo, juliet, tybalt]) person.take()
  await juliet.administer(`<item affiliation='outcast' jid='tybalt@localhost'><reason>killed Mercutio</reason></item>`)
  t.strictSame(tybalt.hear(), ['presence unavailable room/Tybalt [301 110] outcast/none jid=tybalt@localhost/t'])
  t.strictSame(romeo.hear(), ['presence unavailable room/Tybalt [301] outcast/none jid=tybalt@localhost/t'])
  juliet.take()
  await ask(juliet, `<item affiliation='outcast'/>`)
  t.match(
    String(juliet.take()[0]),
    /<item jid='tybalt@localhost' affiliation='outcast'><reason>killed Mercutio<\/reason><\/item>/,
  )
  // The nickname is free again (§9.1).
  await world.person('nurse@localhost/n').join('Tybalt')
  t.match(world.person('nurse@localhost/n').hear().at(-2), /\[110\]/)

  const far = world.person('a@far.example/x')
  const friend = world.person('friend@far.example/x')
  await juliet.administer(`<item affiliation='member' jid='friend@far.example'/>`)
  await far.join('Far')
  await friend.join('Friend')
  for (const person of [romeo, juliet, far, friend]) person.take()
  await juliet.administer(`<item affiliation='outcast' jid='far.example'/>`)
  t.match(far.hear().at(-1), /\[301 110\] outcast\/none/)
  t.strictSame(
    friend.hear().filter((line) => line.includes('[301 110]')),
    [],
    'a person comes before the domain',
  )
  await far.join('Far')
  t.strictSame(far.hear(), ['presence error forbidden'])
})

t.test('those who are not there are told, and told of', async (t) => {
  const { world, romeo, juliet, tybalt } = await stage()
  await using _ = world
  const nurse = world.person('nurse@localhost')
  await juliet.administer(`<item affiliation='member' jid='nurse@localhost'/>`)
  t.strictSame(romeo.hear(), ['message room member jid=nurse@localhost'])
  t.strictSame(tybalt.hear(), [], 'who may not see addresses hears nothing')
  t.strictSame(nurse.hear(), ['message room [101] member jid=nurse@localhost'])
  await romeo.configure({ whois: 'anyone', membersonly: '0' })
  for (const person of [romeo, juliet, tybalt]) person.take()
  await juliet.administer(`<item affiliation='outcast' jid='nurse@localhost'/>`)
  t.strictSame(tybalt.hear(), ['message room [301] outcast jid=nurse@localhost'])
  nurse.take()
  await juliet.administer(`<item affiliation='none' jid='nurse@localhost'/>`)
  nurse.take()
  await romeo.configure({ membersonly: '1' })
  await juliet.administer(`<item affiliation='member' jid='nurse@localhost'><reason>welcome</reason></item>`)
  const [invitation] = nurse.take()
  t.match(String(invitation), /<invite from='juliet@localhost'><reason>welcome<\/reason><\/invite>/, '§9.5')
})

t.test('roles follow affiliations, and addresses are shown or hidden with them', async (t) => {
  const { world, romeo, tybalt } = await stage()
  await using _ = world
  await romeo.administer(`<item affiliation='admin' jid='tybalt@localhost'/>`)
  t.strictSame(tybalt.hear(), [
    'presence room/Tybalt [110] admin/moderator jid=tybalt@localhost/t',
    'presence room/Romeo owner/moderator jid=romeo@localhost/r',
    'presence room/Juliet admin/moderator jid=juliet@localhost/j',
  ])
  await romeo.administer(`<item affiliation='none' jid='tybalt@localhost'/>`)
  t.strictSame(tybalt.hear(), [
    'presence room/Tybalt [110] none/participant jid=tybalt@localhost/t',
    'presence room/Romeo owner/moderator',
    'presence room/Juliet admin/moderator',
  ])
  await romeo.administer(`<item nick='Tybalt' role='moderator'/>`)
  tybalt.take()
  await romeo.administer(`<item affiliation='member' jid='tybalt@localhost'/>`)
  t.match(tybalt.hear()[0], /member\/moderator/, 'whoever rises keeps what goes beyond')
  await romeo.configure({ membersonly: '1' })
  tybalt.take()
  await romeo.administer(`<item affiliation='none' jid='tybalt@localhost'/>`)
  t.match(tybalt.hear(), ['presence unavailable room/Tybalt [321 110] none/none'])
})

t.test('lists are read by those who may', async (t) => {
  const { world, romeo, juliet, tybalt } = await stage()
  await using _ = world
  await ask(juliet, `<item role='participant'/>`)
  t.match(
    String(juliet.take()[0]),
    /<item nick='Tybalt' role='participant' affiliation='none' jid='tybalt@localhost\/t'\/>/,
  )
  await ask(romeo, `<item affiliation='owner'/>`)
  t.match(String(romeo.take()[0]), /<item jid='romeo@localhost' affiliation='owner'\/>/)
  await ask(tybalt, `<item role='moderator'/>`)
  await ask(tybalt, `<item affiliation='member'/>`)
  t.strictSame(tybalt.hear(), ['iq error forbidden', 'iq error forbidden'])
  await ask(juliet, `<item affiliation='owner'/>`)
  await ask(juliet, ``)
  await ask(juliet, `<item affiliation='none'/>`)
  await ask(juliet, `<item role='none'/>`)
  await ask(juliet, `<item role='visitor'/><item role='moderator'/>`)
  t.strictSame(juliet.hear(), ['iq error forbidden', ...Array.from({ length: 4 }, () => 'iq error bad-request')])
})

t.test('people register, and so reserve a nickname', async (t) => {
  const { world, romeo, juliet, tybalt } = await stage('{ allow_unaffiliated_register: true }')
  await using _ = world
  await register(tybalt, '', 'get')
  t.match(
    String(tybalt.take()[0]),
    /<field type='text-single' var='muc#register_roomnick' label='Nickname'><required\/><\/field>/,
  )
  await register(tybalt, nickForm('Prince of Cats'))
  t.strictSame(tybalt.hear(), ['presence room/Tybalt [110] member/participant jid=tybalt@localhost/t', 'iq result'])
  await register(tybalt, '', 'get')
  t.match(String(tybalt.take()[0]), /<registered\/><username>Prince of Cats<\/username>/)
  await register(tybalt, nickForm('Prince of Cats'))
  t.strictSame(tybalt.hear(), ['iq result'], 'again')
  for (const person of [romeo, juliet]) person.take()

  await register(juliet, nickForm('Prince of Cats'))
  await register(juliet, nickForm('Romeo'))
  await register(juliet, nickForm(''))
  await register(juliet, nickForm('🤖'))
  await register(juliet, '')
  await register(
    juliet,
    `<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>urn:other</value></field></x>`,
  )
  t.strictSame(juliet.hear(), [
    'iq error conflict',
    'iq error conflict',
    'iq error bad-request',
    'iq error bad-request',
    'iq error bad-request',
    'iq error bad-request',
  ])
  await juliet.say(`<presence to='${ROOM}/Prince of Cats'/>`)
  t.strictSame(juliet.hear(), ['presence error conflict'])

  await tybalt.say(
    `<iq to='${ROOM}' type='get' id='n'><query xmlns='http://jabber.org/protocol/disco#info' node='x-roomuser-item'/></iq>`,
  )
  t.match(String(tybalt.take()[0]), /<identity category='conference' type='text' name='Prince of Cats'\/>/)
  await romeo.administer(`<item affiliation='member' jid='tybalt@localhost' nick=''/>`)
  await tybalt.say(
    `<iq to='${ROOM}' type='get' id='n'><query xmlns='http://jabber.org/protocol/disco#info' node='x-roomuser-item'/></iq>`,
  )
  t.notMatch(String(tybalt.take().at(-1)), /identity/, 'an empty nickname takes it away (§9.5)')
  await register(tybalt, '<remove/>')
  t.strictSame(tybalt.hear(), ['presence room/Tybalt [110] none/participant jid=tybalt@localhost/t', 'iq result'])
  const outcast = world.person('outcast@localhost/o')
  await romeo.administer(`<item affiliation='outcast' jid='outcast@localhost'/>`)
  await register(outcast, '', 'get')
  t.strictSame(outcast.hear(), ['iq error forbidden'])
})

t.test('where registered nicknames are enforced, they are given', async (t) => {
  const { world, romeo, tybalt } = await stage('{ enforce_registered_nickname: true }')
  await using _ = world
  await romeo.administer(`<item affiliation='member' jid='tybalt@localhost'/>`)
  tybalt.take()
  await register(tybalt, nickForm('Cat'))
  t.strictSame(tybalt.hear(), [
    'presence unavailable room/Tybalt [307 110] member/none jid=tybalt@localhost/t',
    'iq result',
  ])
  await tybalt.join('Tybalt')
  t.match(tybalt.hear().at(-2), 'presence room/Cat [210 110] member/participant jid=tybalt@localhost/t')
  await tybalt.say(`<presence to='${ROOM}/Dog'/>`)
  t.strictSame(tybalt.hear(), ['presence error not-acceptable'])
})
