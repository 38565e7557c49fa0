/** Searches for public rooms, names for rooms, and how much is said in them. */
import t from 'tap'
import activity from '../../modules/mod_muc_activity.ts'
import search from '../../modules/mod_muc_search.ts'
import unique from '../../modules/mod_muc_unique.ts'
import type { AnyModule } from '../../server/host/module.ts'
import { MucWorld, type Person, ROOM, SERVICE } from '../support/muc-world.ts'

const modules = [search, unique, activity] as readonly unknown[] as readonly AnyModule[]
const NS = 'urn:xmpp:channel-search:0:search'
const HOUR = 3_600_000

async function searchFor(person: Person, fields: Readonly<Record<string, string>>, set = ''): Promise<string> {
  const lines = Object.entries(fields).map(([name, value]) => `<field var='${name}'><value>${value}</value></field>`)
  const form = `<x xmlns='jabber:x:data' type='submit'>${lines.join('')}</x>`
  person.take()
  await person.say(`<iq to='${SERVICE}' type='get' id='s'><search xmlns='${NS}'>${form}${set}</search></iq>`)
  return person.take().map(String).join('')
}

const found = (text: string): readonly string[] =>
  [...text.matchAll(/address='([^@]*)@/g)].map(([, node]) => node ?? '')

t.test('public rooms are found by words, in pages', async (t) => {
  await using world = await MucWorld.open({ modules })
  const romeo = world.person('romeo@localhost/r')
  const juliet = world.person('juliet@localhost/j')
  for (const [node, name, description] of [
    ['verona', 'Verona', 'Montagues and Capulets'],
    ['elsinore', 'Elsinore', 'Something is rotten'],
    ['venice', 'Venice', 'Merchants, Capulets not'],
  ] as const) {
    await romeo.join('Romeo', `${node}@${SERVICE}`)
    await romeo.configure({ publicroom: '1', roomname: name, roomdesc: description }, `${node}@${SERVICE}`)
  }
  await romeo.join('Romeo', `hidden@${SERVICE}`)
  await romeo.configure({ roomname: 'Verona, hidden' }, `hidden@${SERVICE}`)
  await juliet.join('Juliet', `venice@${SERVICE}`)

  await juliet.say(`<iq to='${SERVICE}' type='get' id='f'><search xmlns='${NS}'/></iq>`)
  t.match(juliet.take().map(String).join(''), /channel-search:0:search-params.*var='q'.*var='key'/)
  t.strictSame(found(await searchFor(juliet, { q: 'capulets' })), ['venice', 'verona'], 'those with most people first')
  t.strictSame(found(await searchFor(juliet, { q: 'CAPULETS verona' })), ['verona'])
  t.strictSame(found(await searchFor(juliet, { q: 'capulets', sindescription: '0' })), [])
  t.strictSame(found(await searchFor(juliet, { all: '1', key: '{urn:xmpp:channel-search:0:order}address' })), [
    'elsinore',
    'venice',
    'verona',
  ])
  t.strictSame(found(await searchFor(juliet, { all: '1', min_users: '2' })), ['venice'])
  t.strictSame(found(await searchFor(juliet, { all: '1', types: 'xep-0369' })), [])
  const page = await searchFor(
    juliet,
    { all: '1', key: '{urn:xmpp:channel-search:0:order}address' },
    "<set xmlns='http://jabber.org/protocol/rsm'><max>1</max><after>elsinore@conference.localhost</after></set>",
  )
  t.strictSame(found(page), ['venice'])
  t.match(
    page,
    /<name>Venice<\/name><description>Merchants, Capulets not<\/description>.*<nusers>2<\/nusers>.*<is-open\/>.*<count>3<\/count>/,
  )
  world.clock.advance(HOUR)
  t.match(await searchFor(juliet, { q: 'x' }), /bad-request.*invalid-search-terms/)
  t.match(await searchFor(juliet, { q: 'verona', all: '1' }), /bad-request.*conflicting-fields/)
  t.match(await searchFor(juliet, {}), /type='cancel'.*bad-request.*no-search-conditions/)
  t.match(await searchFor(juliet, { all: '1', key: 'age' }), /type='modify'.*feature-not-implemented.*invalid-sort-key/)
  for (let i = 0; i < 20; i++) await searchFor(juliet, { q: 'verona' })
  t.match(await searchFor(juliet, { q: 'verona' }), /resource-constraint.*rate-limit[^>]*retry-after='2'/)
  t.same(world.complaints, [])
})

t.test('the service makes up names', async (t) => {
  await using world = await MucWorld.open({ modules })
  const romeo = world.person('romeo@localhost/r')
  const ask = `<iq to='${SERVICE}' type='get' id='u'><unique xmlns='http://jabber.org/protocol/muc#unique'/></iq>`
  await romeo.say(ask)
  await romeo.say(ask)
  const names = romeo.take().map((stanza) => stanza.childText('unique', 'http://jabber.org/protocol/muc#unique'))
  t.match(names, [/^[0-9a-f]{32}$/, /^[0-9a-f]{32}$/])
  t.not(names[0], names[1])
})

t.test('what is said in public rooms is counted', async (t) => {
  const world = await MucWorld.open({ modules })
  const romeo = world.person('romeo@localhost/r')
  await romeo.join('Romeo')
  await romeo.configure({ persistentroom: '1', publicroom: '1' })
  const told = async (person: Person) => {
    person.take()
    await person.say(`<iq to='${ROOM}' type='get' id='d'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`)
    return /message-activity'[^>]*><value>([^<]*)</.exec(person.take().join(''))?.[1]
  }
  t.equal(await told(romeo), undefined, 'not before it is known')
  for (let i = 0; i < 6; i++) await romeo.speak(`m${i}`)
  await romeo.say(
    `<message to='${ROOM}' type='groupchat'><body>m</body><replace xmlns='urn:xmpp:message-correct:0' id='m0'/></message>`,
  )
  world.clock.advance(HOUR)
  await world.settled()
  t.equal(await told(romeo), '6.00')
  world.clock.advance(HOUR)
  await world.settled()
  t.equal(await told(romeo), '3.00')
  await world.close()
  await using again = await MucWorld.open({ storage: world.storage, modules })
  const juliet = again.person('juliet@localhost/j')
  again.clock.advance(2 * HOUR)
  t.equal(await told(juliet), '3.00', 'also after a restart')
  again.clock.advance(30 * HOUR)
  t.equal(await told(juliet), '0.00', 'what is old does not count')
  const owner = again.person('romeo@localhost/r')
  await owner.join('Romeo')
  await owner.configure({ membersonly: '1' })
  t.equal(await told(owner), undefined, 'nothing is told of rooms that are not for everybody')
})
