/** Messages of rooms that are taken back, and the log of those who take them back. */
import t from 'tap'
import mam from '../../../modules/mod_muc_mam/index.ts'
import moderation from '../../../modules/mod_muc_moderation/index.ts'
import type { AnyModule } from '../../../server/host/module.ts'
import type { Stanza } from '../../../server/xml/stanza.ts'
import { MucWorld, type Person, ROOM, summary } from '../../support/muc-world.ts'

const withArchive = [mam, moderation] as readonly unknown[] as readonly AnyModule[]
const without = [moderation] as readonly unknown[] as readonly AnyModule[]
const MODERATE = 'urn:xmpp:message-moderate:1'
const RETRACT = 'urn:xmpp:message-retract:1'

async function stage(modules: readonly AnyModule[] = withArchive) {
  const world = await MucWorld.open({ modules })
  const romeo = world.person('romeo@localhost/r')
  const juliet = world.person('juliet@localhost/j')
  const tybalt = world.person('tybalt@localhost/t')
  await romeo.join('Romeo')
  await romeo.configure({ persistentroom: '1' })
  await juliet.join('Juliet')
  await tybalt.join('Tybalt')
  for (const person of [romeo, juliet, tybalt]) person.take()
  return { world, romeo, juliet, tybalt }
}

/** Lets somebody speak; the id that the room has given to it. */
async function spoken(speaker: Person, hearer: Person, body: string): Promise<string> {
  hearer.take()
  await speaker.speak(body)
  return hearer.take()[0]?.child('stanza-id', 'urn:xmpp:sid:0')?.attrs['id'] ?? ''
}

const asks = (id: string, reason = ''): string =>
  `<iq to='${ROOM}' type='set' id='m'><moderate xmlns='${MODERATE}' id='${id}'><retract xmlns='${RETRACT}'/>${reason}</moderate></iq>`

const asksOld = (id: string): string =>
  `<iq to='${ROOM}' type='set' id='m'><apply-to xmlns='urn:xmpp:fasten:0' id='${id}'>
    <moderate xmlns='urn:xmpp:message-moderate:0'><retract xmlns='urn:xmpp:message-retract:0'/></moderate></apply-to></iq>`

async function archived(person: Person): Promise<readonly string[]> {
  person.take()
  await person.say(`<iq to='${ROOM}' type='set' id='q'><query xmlns='urn:xmpp:mam:2'/></iq>`)
  return person.take().slice(0, -1).map(String)
}

for (const [name, modules] of [
  ['with an archive', withArchive],
  ['without one', without],
] as const) {
  t.test(`a moderator retracts a message, ${name}`, async (t) => {
    const { world, romeo, juliet } = await stage(modules)
    await using _ = world
    const id = await spoken(juliet, romeo, 'rude')
    await romeo.say(asks(id, '<reason>be kind</reason>'))
    const [told, answer] = romeo.take()
    t.equal(answer?.type, 'result')
    t.equal(told?.from, ROOM)
    const retract = told?.child('retract', RETRACT)
    t.equal(retract?.attrs['id'], id)
    t.equal(retract?.child('moderated', MODERATE)?.attrs['by'], `${ROOM}/Romeo`)
    t.ok(retract?.child('moderated', MODERATE)?.child('occupant-id', 'urn:xmpp:occupant-id:0')?.attrs['id'])
    t.equal(retract?.child('reason')?.getText(), 'be kind')
    t.equal(told?.child('apply-to', 'urn:xmpp:fasten:0')?.attrs['id'], id, 'also in the words of the first version')
    t.match(juliet.take().map(String).join(''), /<moderated/)

    const nurse = world.person('nurse@localhost/n')
    await nurse.join('Nurse')
    const [left] = nurse.take().filter((stanza) => stanza.has('retracted', RETRACT))
    t.notOk(left?.has('body'), 'nothing is left of it')
    t.equal(left?.from, `${ROOM}/Juliet`)
    t.match(left?.toString(), /<retracted [^>]*stamp='2026[^>]*><moderated.*be kind/)
    romeo.take()
    await romeo.say(asks(id))
    t.strictSame(romeo.hear(), ['iq result'], 'twice is once')
    t.same(world.complaints, [])
  })
}

t.test('absentees find the tombstone and the retraction in the archive', async (t) => {
  const { world, romeo, juliet } = await stage()
  await using _ = world
  const id = await spoken(juliet, romeo, 'rude')
  await spoken(juliet, romeo, 'fine')
  await romeo.say(asksOld(id))
  const all = await archived(juliet)
  t.equal(all.length, 3)
  t.match(all[0], /<retracted/)
  t.notMatch(all[0], /<body/)
  t.match(all[1], /fine/)
  t.match(all[2], /<retract xmlns='urn:xmpp:message-retract:1'/)
})

t.test('only moderators retract what others have said, and not of those above them', async (t) => {
  const { world, romeo, juliet, tybalt } = await stage()
  await using _ = world
  const id = await spoken(romeo, juliet, 'mine')
  await juliet.say(asks(id))
  t.strictSame(juliet.hear(), ['iq error forbidden'])
  await romeo.administer("<item nick='Juliet' role='moderator'/>")
  await romeo.administer("<item jid='tybalt@localhost' affiliation='admin'/>")
  juliet.take()
  await juliet.say(asks(id))
  t.strictSame(juliet.hear(), ['iq error not-allowed'])
  tybalt.take()
  await tybalt.say(asks('unknown'))
  await tybalt.say(
    `<iq to='${ROOM}' type='set' id='m'><moderate xmlns='${MODERATE}'><retract xmlns='${RETRACT}'/></moderate></iq>`,
  )
  await tybalt.say(
    `<iq to='${ROOM}' type='set' id='m'><moderate xmlns='${MODERATE}' id='${id}'><edit/></moderate></iq>`,
  )
  await tybalt.say(
    `<iq to='${ROOM}' type='set' id='m'><apply-to xmlns='urn:xmpp:fasten:0' id='${id}'><external/></apply-to></iq>`,
  )
  t.strictSame(tybalt.hear(), ['iq error item-not-found', ...Array.from({ length: 3 }, () => 'iq error bad-request')])
  const stranger = world.person('nurse@localhost/n')
  await stranger.say(asks(id))
  t.strictSame(stranger.hear(), ['iq error forbidden'])
  await tybalt.leave('Tybalt')
  const late = await spoken(juliet, romeo, 'late')
  tybalt.take()
  await tybalt.say(asks(late))
  t.strictSame(tybalt.hear(), ['iq result'], 'admins need not be there')
  t.match(romeo.take().map(String).join(''), new RegExp(`by='${ROOM}'`), 'and act in the name of the room')
})

t.test('people retract what they have said themselves, and nothing else', async (t) => {
  const { world, romeo, juliet } = await stage()
  await using _ = world
  const id = await spoken(juliet, romeo, 'oops')
  const retraction = `<message to='${ROOM}' type='groupchat' id='r1'><retract xmlns='${RETRACT}' id='${id}'/><body>retracted</body></message>`
  await romeo.say(retraction)
  t.strictSame(romeo.hear(), ['message error not-allowed'])
  juliet.take()
  await juliet.say(retraction)
  t.match(romeo.hear(), ['message groupchat room/Juliet "retracted"'])
  const all = await archived(romeo)
  t.equal(all.length, 2)
  t.match(all[0], /<retracted xmlns='urn:xmpp:message-retract:1' id='r1' stamp=/)
  t.notMatch(all[0], /<body/)
  await juliet.say(
    `<message to='${ROOM}' type='groupchat' id='r2'><retract xmlns='${RETRACT}' id='unknown'/></message>`,
  )
  t.strictSame(romeo.hear(), ['message groupchat room/Juliet'], 'what nobody knows is left to the clients')
})

const REMOVE = 'https://madrigal.im/protocol/muc#remove-messages'

t.test('all that somebody has said goes at once, and they are banned though they have left', async (t) => {
  const { world, romeo, juliet, tybalt } = await stage()
  await using _ = world
  const occupantId = (stanza: Stanza | undefined) =>
    stanza?.child('occupant-id', 'urn:xmpp:occupant-id:0')?.attrs['id'] ?? ''
  await tybalt.speak('old')
  world.clock.advance(3 * 3_600_000)
  await tybalt.speak('spam 1')
  await juliet.speak('fine')
  await tybalt.speak('spam 2')
  const id = occupantId(romeo.take()[0])
  await tybalt.leave('Tybalt')
  juliet.take()
  await juliet.command(REMOVE, { who: id })
  t.strictSame(juliet.hear(), ['iq error forbidden'])
  await romeo.command(REMOVE)
  t.match(romeo.take().map(String).join(''), /status='executing'.*var='who'/)
  await romeo.command(REMOVE, { who: id, hours: '2', ban: '1', reason: 'spam' })
  const heard = romeo.take()
  t.equal(heard.filter((stanza) => stanza.has('retract', RETRACT)).length, 2)
  t.match(heard.at(-1)?.toString(), /status='completed'.*2 messages were retracted/)
  t.match(
    (await archived(juliet)).filter((text) => /<body>/.test(text)),
    [/old/, /fine/],
  )
  tybalt.take()
  await tybalt.join('Tybalt')
  t.strictSame(tybalt.hear(), ['presence error forbidden'])
  await romeo.command(REMOVE, { who: 'nobody' })
  t.strictSame(romeo.hear(), ['iq error item-not-found'])
  t.strictSame(await world.run(`muc purge ${ROOM} tybalt@localhost`), ['1 messages retracted'])
  t.same(world.complaints, [])
})

t.test('bans are given by occupant id, also in muc#admin, also after a restart', async (t) => {
  const { world, romeo, tybalt } = await stage()
  await tybalt.speak('spam')
  const id = romeo.take()[0]?.child('occupant-id', 'urn:xmpp:occupant-id:0')?.attrs['id']
  await tybalt.leave('Tybalt')
  await world.close()
  await using again = await MucWorld.open({ storage: world.storage, modules: withArchive })
  const owner = again.person('romeo@localhost/r')
  await owner.join('Romeo')
  owner.take()
  const item = (occupant: string) =>
    `<item affiliation='outcast'><occupant-id xmlns='urn:xmpp:occupant-id:0' id='${occupant}'/></item>`
  await owner.administer(item('nobody'))
  await owner.administer(item(id ?? ''))
  t.strictSame(owner.hear(), [
    'iq error item-not-found',
    'message room [301] outcast jid=tybalt@localhost',
    'iq result',
  ])
})

t.test('what is done to a room is kept in mind', async (t) => {
  const { world, romeo, juliet, tybalt } = await stage()
  await using _ = world
  const id = await spoken(tybalt, romeo, 'rude')
  await romeo.say(asks(id, '<reason>be kind</reason>'))
  await romeo.administer("<item nick='Tybalt' role='none'><reason>out</reason></item>")
  await romeo.administer("<item jid='juliet@localhost' affiliation='admin'/>")
  await romeo.configure({ moderatedroom: '1' })
  const lines = await world.run(`muc log ${ROOM}`)
  t.match(lines, [
    'romeo@localhost/r: configuration: moderated',
    'romeo@localhost/r: juliet@localhost: admin, was none',
    'romeo@localhost/r: Tybalt (tybalt@localhost): none, was participant (out)',
    'romeo@localhost/r: 1 messages of tybalt@localhost retracted (be kind)',
    'romeo@localhost/r: configuration: persistent',
  ])
  juliet.take()
  await juliet.command('https://madrigal.im/protocol/muc#log')
  t.match(juliet.take().map(String).join(''), /<reported>.*be kind/)
  const nurse = world.person('nurse@localhost/n')
  await nurse.command('https://madrigal.im/protocol/muc#log')
  t.strictSame(nurse.take().map(summary), ['iq error forbidden'])
  await world.run(`muc affiliation ${ROOM} juliet@localhost member`)
  await world.run(`muc kick ${ROOM} Juliet --reason loud`)
  t.match(
    await world.run(`muc log ${ROOM}`),
    [
      'conference.localhost: Juliet (juliet@localhost): none, was participant (loud)',
      'conference.localhost: juliet@localhost: member, was admin',
    ],
    'so is what admins of the service have done',
  )
  await world.run(`muc destroy ${ROOM}`)
  t.match(
    await world.run(`muc log ${ROOM}`),
    ['conference.localhost: destroyed'],
    'the end is kept in mind by the service',
  )
})
