/** Who belongs to a room: asked for, granted, listed in the form, and known by its version. */
import t from 'tap'
import type { Stanza } from '../../../server/xml/stanza.ts'
import { MucWorld, type Person, ROOM, summary } from '../../support/muc-world.ts'

const MAV = 'urn:xmpp:muc:affiliations:1'
const USER = 'http://jabber.org/protocol/muc#user'

async function stage(values: Readonly<Record<string, string | readonly string[]>> = {}) {
  const world = await MucWorld.open()
  const romeo = world.person('romeo@localhost/r')
  const juliet = world.person('juliet@localhost/j')
  await romeo.join('Romeo')
  await romeo.configure({ persistentroom: '1', ...values })
  romeo.take()
  return { world, romeo, juliet }
}

const enter = (person: Person, nick: string, since?: string): Promise<void> =>
  person.join(nick, ROOM, `<mav xmlns='${MAV}'${since === undefined ? '' : ` since='${since}'`}/>`)

/** The versions in a stanza, and whom it tells of. */
function versions(stanza: Stanza | undefined) {
  const x = stanza?.child('x', USER)
  const { since, until } = x?.child('mav', MAV)?.attrs ?? {}
  const items = x?.elements
    .filter(({ name }) => name === 'item')
    .map(({ attrs }) => `${attrs['jid']} ${attrs['affiliation']}`)
  return { since, until, items }
}

t.test('clients that keep a list of affiliations are told what has changed', async (t) => {
  const { world, romeo, juliet } = await stage({ membersonly: '1', whois: 'anyone' })
  await using _ = world
  await romeo.administer("<item jid='juliet@localhost' affiliation='member'/>")
  juliet.take()
  await enter(juliet, 'Juliet')
  const first = juliet.take()
  const whole = versions(first[0])
  t.equal(first[0]?.name, 'message', 'before any presence')
  t.strictSame(whole.items, ['romeo@localhost owner', 'juliet@localhost member'])
  t.equal(whole.since, undefined)
  const self = first.find((stanza) => summary(stanza).includes('110'))
  t.equal(versions(self).until, whole.until)
  t.strictSame(first.filter((stanza) => stanza.name === 'presence' && stanza !== self).map(versions), [
    { since: undefined, until: undefined, items: ['romeo@localhost/r owner'] },
  ])

  romeo.take()
  await romeo.administer("<item jid='nurse@localhost' affiliation='member'/>")
  const [change] = juliet.take()
  t.equal(versions(change).since, whole.until)
  t.strictSame(versions(change).items, ['nurse@localhost member'])
  t.notMatch(romeo.take().map(String).join(''), /<mav/, 'whoever keeps no list is told of none')
  await romeo.administer("<item jid='juliet@localhost' affiliation='admin'/>")
  const [promoted] = juliet.take()
  t.equal(versions(promoted).since, versions(change).until)
  const last = versions(promoted).until
  await juliet.leave('Juliet')
  juliet.take()
  await enter(juliet, 'Juliet', last)
  t.notMatch(summary(juliet.take()[0] as Stanza), /message/, 'nothing is missing')
  await juliet.leave('Juliet')
  await romeo.administer(
    "<item jid='nurse@localhost' affiliation='none'/><item jid='tybalt@localhost' affiliation='outcast'/>",
  )
  juliet.take()
  await enter(juliet, 'Juliet', last)
  const missed = versions(juliet.take()[0])
  t.equal(missed.since, last)
  t.strictSame(missed.items, ['nurse@localhost none', 'tybalt@localhost outcast'])
  await juliet.leave('Juliet')
  juliet.take()
  await enter(juliet, 'Juliet', 'nonsense')
  t.equal(versions(juliet.take()[0]).since, undefined, 'of a version that nobody knows, everything is told')
  t.strictSame(world.complaints, [])
})

t.test('versions are for those who may read the lists', async (t) => {
  const { world, romeo, juliet } = await stage()
  await using _ = world
  await enter(juliet, 'Juliet')
  const heard = juliet.take()
  t.match(heard[0]?.toString(), /type='error'.*by='room@conference.localhost'.*forbidden/)
  t.notMatch(heard.map(String).join(''), /<mav/)
  await romeo.say(`<iq to='${ROOM}' type='get' id='d'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`)
  t.match(romeo.take().map(String).join(''), new RegExp(MAV))
})

t.test('strangers ask for membership, and an admin agrees, or does not', async (t) => {
  const { world, romeo, juliet } = await stage({
    membersonly: '1',
    '{https://madrigal.im/protocol/muc}roomconfig_registration': 'approval',
  })
  await using _ = world
  const apply = (person: Person, nick: string): Promise<void> =>
    person.say(
      `<iq to='${ROOM}' type='set' id='r'><query xmlns='jabber:iq:register'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#register</value></field><field var='muc#register_roomnick'><value>${nick}</value></field></x></query></iq>`,
    )
  const decide = (person: Person, nick: string, isAllowed: string): Promise<void> =>
    person.say(
      `<message to='${ROOM}'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#register</value></field><field var='muc#register_roomnick'><value>${nick}</value></field><field var='muc#register_allow'><value>${isAllowed}</value></field></x></message>`,
    )
  await juliet.say(`<iq to='${ROOM}' type='get' id='g'><query xmlns='jabber:iq:register'/></iq>`)
  await apply(juliet, 'Juliet')
  t.strictSame(juliet.hear(), ['iq result', 'iq result'])
  const [request] = romeo.take()
  t.match(request?.toString(), /muc#register_roomnick.*<value>Juliet<.*juliet@localhost.*muc#register_allow/)
  const nurse = world.person('nurse@localhost/n')
  await apply(nurse, 'Juliet')
  await apply(nurse, 'Romeo')
  await decide(nurse, 'Juliet', '1')
  t.strictSame(nurse.hear(), ['iq error conflict', 'iq error conflict', 'message error forbidden'])
  await juliet.join('Juliet')
  t.strictSame(juliet.hear(), ['presence error registration-required'], 'not yet')

  const account = world.person('juliet@localhost')
  await decide(romeo, 'Juliet', '1')
  t.match(account.take().map(String), [/<invite from=/], 'members of a room for members are invited')
  await juliet.join('Juliet')
  t.match(juliet.hear().join('\n'), /\[110\] member\/participant/)
  await apply(nurse, 'Nurse')
  await decide(romeo, 'Nurse', '0')
  await decide(romeo, 'Nurse', '1')
  t.match(romeo.hear().at(-1), 'message error item-not-found')
  await nurse.join('Nurse')
  t.strictSame(nurse.hear(), ['iq result', 'presence error registration-required'])
  t.strictSame(world.complaints, [])
})

t.test('the form holds the lists of owners and admins, all or none of which change', async (t) => {
  const { world, romeo, juliet } = await stage()
  await using _ = world
  await juliet.join('Juliet')
  await romeo.administer("<item jid='nurse@localhost' affiliation='admin'/>")
  await romeo.say(`<iq to='${ROOM}' type='get' id='g'><query xmlns='http://jabber.org/protocol/muc#owner'/></iq>`)
  const form = romeo.take().map(String).join('')
  t.match(form, /roomadmins'[^>]*><value>nurse@localhost<\/value><\/field>/)
  t.match(form, /roomowners'[^>]*><value>romeo@localhost<\/value><\/field>/)
  juliet.take()
  await romeo.configure({ roomadmins: ['juliet@localhost'], roomname: 'Verona' })
  t.match(juliet.hear(), [
    'presence room/Juliet [110] admin/moderator jid=juliet@localhost/j',
    /Romeo/,
    'message groupchat room [104]',
  ])
  romeo.take()
  await romeo.configure({ roomowners: [], roomname: 'Mantua' })
  await romeo.configure({ roomowners: ['juliet@@localhost'] })
  await romeo.configure({ roomowners: ['far.example', 'romeo@localhost'] })
  t.strictSame(romeo.hear(), ['iq error conflict', 'iq error bad-request', 'iq error not-acceptable'])
  const room = await world.rooms.find('room')
  t.equal(room?.get({ key: 'name' }), 'Verona', 'nothing has changed')
  await romeo.configure({ roomowners: ['juliet@localhost'], roomadmins: ['romeo@localhost', 'juliet@localhost'] })
  t.equal(room?.affiliates.own('juliet@localhost'), 'owner')
  t.equal(room?.affiliates.own('romeo@localhost'), 'admin')
  t.strictSame(world.complaints, [])
})
