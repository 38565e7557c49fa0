/** The archives of rooms: what is in them, who may read it, and how long it stays. */
import t from 'tap'
import mam from '../../../modules/mod_muc_mam/index.ts'
import type { AnyModule } from '../../../server/host/module.ts'
import type { Stanza } from '../../../server/xml/stanza.ts'
import { MucWorld, type Person, ROOM, summary } from '../../support/muc-world.ts'

const modules = [mam] as readonly unknown[] as readonly AnyModule[]
const MAM = 'urn:xmpp:mam:2'

interface Query {
  readonly fields?: Readonly<Record<string, string>>
  readonly set?: string
  readonly inside?: string
}

/** What somebody is sent for a query: the messages of the page, in the order in which they came. */
async function read(person: Person, { fields = {}, set = '', inside = '' }: Query = {}): Promise<readonly Stanza[]> {
  person.take()
  const lines = Object.entries(fields).map(([name, value]) => `<field var='${name}'><value>${value}</value></field>`)
  const form = `<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>${MAM}</value></field>${lines.join('')}</x>`
  await person.say(
    `<iq to='${ROOM}' type='set' id='q'><query xmlns='${MAM}' queryid='f'>${form}<set xmlns='http://jabber.org/protocol/rsm'>${set}</set>${inside}</query></iq>`,
  )
  return person.take()
}

function bodies(stanzas: readonly Stanza[]): readonly string[] {
  return stanzas.flatMap((stanza) => {
    const forwarded = stanza.child('result', MAM)?.child('forwarded', 'urn:xmpp:forward:0')
    return forwarded?.child('message', 'jabber:client')?.child('body')?.getText() ?? []
  })
}

function idsOf(stanzas: readonly Stanza[]): readonly string[] {
  return stanzas.flatMap((stanza) => stanza.child('result', MAM)?.attrs['id'] ?? [])
}

async function stage(config = '{}') {
  const world = await MucWorld.open({ config, modules })
  const romeo = world.person('romeo@localhost/r')
  const juliet = world.person('juliet@localhost/j')
  await romeo.join('Romeo')
  await romeo.configure({ persistentroom: '1' })
  await juliet.join('Juliet')
  return { world, romeo, juliet }
}

t.test('what is said is archived once, with the id that everybody sees', async (t) => {
  const { world, romeo, juliet } = await stage()
  await using _ = world
  juliet.take()
  await romeo.speak('one')
  await juliet.say(
    `<message to='${ROOM}' type='groupchat'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>`,
  )
  await juliet.say(`<message to='${ROOM}/Romeo' type='chat' id='w'><body>psst</body></message>`)
  await romeo.say(`<message to='${ROOM}' type='groupchat'><subject>Verona</subject></message>`)
  await juliet.say(
    `<message to='${ROOM}' type='groupchat' id='no'><body>no</body><no-store xmlns='urn:xmpp:hints'/></message>`,
  )
  const [live] = juliet.take()
  const id = live?.children('stanza-id', 'urn:xmpp:sid:0').find(({ attrs }) => attrs['by'] === ROOM)?.attrs['id']
  const page = await read(juliet)
  t.strictSame(bodies(page), ['one'])
  t.strictSame(idsOf(page)[0], id)
  t.equal(idsOf(page).length, 2, 'and the subject')
  const archived = page[0]
    ?.child('result', MAM)
    ?.child('forwarded', 'urn:xmpp:forward:0')
    ?.child('message', 'jabber:client')
  t.equal(archived?.attrs['from'], `${ROOM}/Romeo`)
  t.equal(archived?.attrs['to'], undefined)
  t.notOk(archived?.child('x', 'http://jabber.org/protocol/muc#user'), 'nobody learns addresses')
  t.match(page.at(-1)?.toString(), /<fin xmlns='urn:xmpp:mam:2' complete='true'>.*<count>2<\/count>/)
  t.same(world.complaints, [])
})

t.test('pages go forward and backward, from and to ids, and are flipped', async (t) => {
  const { world, romeo, juliet } = await stage()
  await using _ = world
  for (const body of ['1', '2', '3', '4', '5']) {
    await romeo.speak(body)
    world.clock.advance(1000)
  }
  const all = await read(juliet)
  const ids = idsOf(all)
  t.strictSame(bodies(all), ['1', '2', '3', '4', '5'])
  t.strictSame(bodies(await read(juliet, { set: '<max>2</max>' })), ['1', '2'])
  t.strictSame(bodies(await read(juliet, { set: `<max>2</max><after>${ids[1]}</after>` })), ['3', '4'])
  t.strictSame(bodies(await read(juliet, { set: '<max>2</max><before/>' })), ['4', '5'])
  t.strictSame(bodies(await read(juliet, { set: '<max>2</max><before/>', inside: '<flip-page/>' })), ['5', '4'])
  t.strictSame(bodies(await read(juliet, { fields: { 'after-id': ids[1] ?? '', 'before-id': ids[4] ?? '' } })), [
    '3',
    '4',
  ])
  t.strictSame(bodies(await read(juliet, { fields: { ids: ids[2] ?? '' } })), ['3'])
  t.strictSame(bodies(await read(juliet, { fields: { start: '2026-01-01T00:00:01Z', end: '2026-01-01T00:00:02Z' } })), [
    '2',
    '3',
  ])
  t.match((await read(juliet, { set: '<after>nothing</after>' })).map(summary), ['iq error item-not-found'])
  await juliet.say(`<iq to='${ROOM}' type='get' id='m'><metadata xmlns='${MAM}'/></iq>`)
  const [metadata] = juliet.take()
  t.match(metadata?.toString(), new RegExp(`<start id='${ids[0]}' timestamp='2026-01-01T00:00:00.*<end id='${ids[4]}'`))
  await juliet.say(`<iq to='${ROOM}' type='get' id='f'><query xmlns='${MAM}'/></iq>`)
  t.match(juliet.take().join(''), /before-id/)
})

t.test('the archive is for those who are in the room or belong to it, and for others if it is public', async (t) => {
  const { world, romeo, juliet } = await stage()
  await using _ = world
  const stranger = world.person('tybalt@localhost/t')
  await romeo.speak('secret')
  t.strictSame((await read(stranger)).map(summary), ['iq error forbidden'])
  await stranger.say(`<iq to='${ROOM}' type='get' id='m'><metadata xmlns='${MAM}'/></iq>`)
  t.strictSame(stranger.hear(), ['iq error forbidden'])

  await romeo.administer("<item jid='tybalt@localhost' affiliation='member'/>")
  t.strictSame(bodies(await read(stranger)), ['secret'], 'members need not be there')
  await romeo.administer("<item jid='tybalt@localhost' affiliation='outcast'/>")
  t.strictSame((await read(stranger)).map(summary), ['iq error forbidden'])
  await romeo.administer("<item jid='tybalt@localhost' affiliation='none'/>")

  juliet.take()
  await romeo.configure({ enablelogging: '1' })
  t.match(juliet.hear(), ['message groupchat room [170]'])
  t.strictSame(bodies(await read(stranger)), ['secret'], 'everybody may read what is public')
  await stranger.join('Tybalt')
  t.match(stranger.hear().join('\n'), /presence room\/Tybalt \[170 110\]/, 'and whoever enters is told so')
  await stranger.leave('Tybalt')

  await romeo.configure({ roomsecret: 'x' })
  t.strictSame((await read(stranger)).map(summary), ['iq error forbidden'], 'but for those who know the password')
  await romeo.configure({ roomsecret: '', membersonly: '1' })
  t.strictSame((await read(stranger)).map(summary), ['iq error forbidden'], 'or are members')
  await romeo.configure({ membersonly: '0', enablelogging: '0' })
  t.strictSame((await read(stranger)).map(summary), ['iq error forbidden'])
  await romeo.configure({ enablearchiving: '0' })
  t.strictSame((await read(romeo)).map(summary), ['iq error service-unavailable'])
})

t.test('addresses are for moderators, or for all from when the room tells them', async (t) => {
  const { world, romeo, juliet } = await stage()
  await using _ = world
  const addresses = (page: readonly Stanza[]) => page.map((stanza) => /jid='([^']*)'/.exec(stanza.toString())?.[1])
  await juliet.speak('hidden')
  t.strictSame(addresses(await read(romeo)), ['juliet@localhost/j', undefined])
  t.strictSame(addresses(await read(juliet)), [undefined, undefined])
  t.strictSame(bodies(await read(romeo, { fields: { with: 'juliet@localhost' } })), ['hidden'])
  t.strictSame(bodies(await read(romeo, { fields: { with: 'romeo@localhost' } })), [])
  t.strictSame(bodies(await read(juliet, { fields: { with: 'juliet@localhost' } })), ['hidden'], 'one knows oneself')
  t.strictSame((await read(juliet, { fields: { with: 'romeo@localhost' } })).map(summary), ['iq error forbidden'])
  t.strictSame(bodies(await read(juliet, { fields: { with: `${ROOM}/Juliet` } })), ['hidden'])
  t.strictSame(bodies(await read(juliet, { fields: { with: `${ROOM}/Nobody` } })), [])

  world.clock.advance(1000)
  await romeo.configure({ whois: 'anyone' })
  world.clock.advance(1000)
  await romeo.speak('open')
  t.strictSame(addresses(await read(juliet)), [undefined, 'romeo@localhost/r', undefined])
  t.strictSame(bodies(await read(juliet, { fields: { with: 'romeo@localhost' } })), ['open'])
})

t.test('history comes from the archive, also after a restart', async (t) => {
  const { world, romeo } = await stage()
  await romeo.speak('one')
  await romeo.speak('two')
  await romeo.say(`<message to='${ROOM}' type='groupchat'><subject>Verona</subject></message>`)
  await world.close()
  await using again = await MucWorld.open({ storage: world.storage, modules })
  const nurse = again.person('nurse@localhost/n')
  await nurse.join('Nurse')
  const heard = nurse.take()
  t.strictSame(
    heard.map(summary).filter((line) => line.startsWith('message')),
    [
      'message groupchat room/Romeo "one"',
      'message groupchat room/Romeo "two"',
      'message groupchat room/Romeo subject "Verona"',
    ],
  )
  t.strictSame(
    heard.map((stanza) => stanza.children('stanza-id', 'urn:xmpp:sid:0').length),
    [0, 1, 1, 1],
  )
  t.same(again.complaints, [])
})

t.test('a message was said when it was said, in the history as in the archive', async (t) => {
  const { world, romeo, juliet } = await stage()
  await using _ = world
  const stopped = world.clock.now()
  let looks = 0
  world.clock.now = () => stopped + looks++
  await romeo.speak('one')
  await juliet.leave('Juliet')
  juliet.take()
  await juliet.join('Juliet')
  const shown = juliet.take().find(({ name, type }) => name === 'message' && type === 'groupchat')
  const stamp = shown?.child('delay', 'urn:xmpp:delay')?.attrs['stamp']
  t.ok(stamp)
  const [archived] = await read(juliet)
  const forwarded = archived?.child('result', MAM)?.child('forwarded', 'urn:xmpp:forward:0')
  t.equal(forwarded?.child('delay', 'urn:xmpp:delay')?.attrs['stamp'], stamp)
})

t.test('an archive ends with its room, and messages when they are too old or too many', async (t) => {
  const { world, romeo } = await stage('{ tombstone_expiry: 0 seconds }')
  await using _ = world
  await romeo.speak('old')
  await romeo.configure({ '{https://madrigal.im/protocol/muc}roomconfig_archive_days': '2' })
  await world.settled()
  world.clock.advance(3 * 86_400_000)
  await romeo.speak('new')
  // If the hour has not done it.
  await world.run('archive expire')
  t.strictSame(bodies(await read(romeo)), ['new'])
  t.match(await world.run(`archive size ${ROOM}`), [/: 1 messages, .*; messages stay for 2 days$/])
  await romeo.speak('newer')
  await world.run(`archive limit ${ROOM} --max_messages 1`)
  await world.run('archive expire')
  t.strictSame(bodies(await read(romeo)), ['newer'])
  await romeo.speak('newest')
  t.strictSame(await world.run(`archive purge ${ROOM}`), ['2 messages removed'])
  t.strictSame(bodies(await read(romeo)), [])
  await romeo.say(
    `<iq to='${ROOM}' type='set' id='d'><query xmlns='http://jabber.org/protocol/muc#owner'><destroy/></query></iq>`,
  )
  await romeo.join('Romeo')
  await romeo.configure()
  t.strictSame(bodies(await read(romeo)), [])
  t.same(world.complaints, [])
})
