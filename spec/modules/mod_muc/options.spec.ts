/** What visitors may do, what is listed, and how much a client may say: each an option of the room or the service. */
import t from 'tap'
import { MucWorld, ROOM, summary } from '../../support/muc-world.ts'

async function stage(values: Readonly<Record<string, string | readonly string[]>> = {}, config = '{}') {
  const world = await MucWorld.open({ config })
  const romeo = world.person('romeo@localhost/r')
  const juliet = world.person('juliet@localhost/j')
  await romeo.join('Romeo')
  await romeo.configure({ persistentroom: '1', ...values })
  await juliet.join('Juliet')
  for (const person of [romeo, juliet]) person.take()
  return { world, romeo, juliet }
}

t.test('visitors may be kept from more than speaking', async (t) => {
  const { world, romeo, juliet } = await stage({
    moderatedroom: '1',
    allowvisitorstatus: '0',
    allowvisitornickchange: '0',
    allowvoicerequests: '0',
    allow_private_messages_from_visitors: 'moderators',
  })
  await using _ = world
  const nurse = world.person('nurse@localhost/n')
  await nurse.join('Nurse')
  romeo.take()
  juliet.take()
  await juliet.say(`<presence to='${ROOM}/Juliet'><show>away</show><status>buy now</status></presence>`)
  const [seen] = romeo.take()
  t.equal(seen?.childText('show'), 'away')
  t.equal(seen?.has('status'), false)
  juliet.take()
  await juliet.say(`<presence to='${ROOM}/Capulet'/>`)
  await juliet.say(
    `<message to='${ROOM}'><x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>http://jabber.org/protocol/muc#request</value></field></x></message>`,
  )
  await juliet.say(`<message to='${ROOM}/Nurse' type='chat'><body>psst</body></message>`)
  t.strictSame(juliet.hear(), [
    'presence error not-allowed',
    'message error forbidden',
    'message error policy-violation',
  ])
  await juliet.say(`<message to='${ROOM}/Romeo' type='chat'><body>psst</body></message>`)
  t.strictSame(romeo.hear(), ['message chat room/Juliet "psst"'])
  await romeo.configure({ allow_private_messages_from_visitors: 'nobody', '{xmpp:prosody.im}muc#allow_modpm': '1' })
  romeo.take()
  await juliet.say(`<message to='${ROOM}/Romeo' type='chat'><body>still</body></message>`)
  t.strictSame(romeo.hear(), ['message chat room/Juliet "still"'], 'moderators hear everybody, if the room wants that')
  await romeo.configure({ members_by_default: '1' })
  const tybalt = world.person('tybalt@localhost/t')
  await tybalt.join('Tybalt')
  t.match(tybalt.hear().join('\n'), /\[110\] none\/participant/)
})

t.test('lists and requests are as the owners want them', async (t) => {
  const { world, romeo, juliet } = await stage({ pubsub: 'xmpp:pubsub.example?;node=verona' })
  await using _ = world
  const items = `<iq to='${ROOM}' type='get' id='i'><query xmlns='http://jabber.org/protocol/disco#items'/></iq>`
  const members = `<iq to='${ROOM}' type='get' id='m'><query xmlns='http://jabber.org/protocol/muc#admin'><item affiliation='member'/></query></iq>`
  const version = `<iq to='${ROOM}/Romeo' type='get' id='v'><query xmlns='jabber:iq:version'/></iq>`
  await juliet.say(items)
  t.notMatch(juliet.take().map(String).join(''), /Romeo/)
  await juliet.say(members)
  t.strictSame(juliet.hear(), ['iq error forbidden'])
  await romeo.configure({ public_list: '1', getmemberlist: ['participant'], allow_query_users: '0' })
  juliet.take()
  await juliet.say(items)
  t.match(juliet.take().map(String).join(''), /jid='room@conference.localhost\/Romeo' name='Romeo'/)
  await juliet.say(members)
  await juliet.say(members.replace('member', 'owner'))
  await juliet.say(version)
  t.strictSame(juliet.hear(), ['iq result', 'iq error forbidden', 'iq error not-allowed'])
  await juliet.say(`<iq to='${ROOM}/Juliet' type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>`)
  t.strictSame(juliet.hear(), ['iq result'], 'one still finds out that one is there')
  await juliet.say(`<iq to='${ROOM}' type='get' id='d'><query xmlns='http://jabber.org/protocol/disco#info'/></iq>`)
  t.match(juliet.take().map(String).join(''), /muc#roominfo_pubsub'[^>]*><value>xmpp:pubsub.example/)
})

t.test('nobody floods a room', async (t) => {
  const { world, romeo, juliet } = await stage({}, '{ occupant_rate: 2, occupant_burst: 4 }')
  await using _ = world
  world.clock.advance(10_000)
  for (let i = 0; i < 6; i++) await juliet.speak(`m${i}`)
  t.equal(romeo.take().length, 4)
  t.strictSame(
    juliet.take().slice(-2).map(summary),
    Array.from({ length: 2 }, () => 'message error policy-violation'),
  )
  await juliet.say(`<presence to='${ROOM}/Capulet'/>`)
  await juliet.say(`<message to='${ROOM}/Romeo' type='chat'><body>psst</body></message>`)
  t.strictSame(juliet.hear(), ['presence error policy-violation', 'message error policy-violation'])
  world.clock.advance(1000)
  await juliet.speak('calm')
  t.strictSame(romeo.hear(), ['message groupchat room/Juliet "calm"'])

  juliet.take()
  for (let i = 0; i < 25; i++) {
    await juliet.leave('Juliet')
    await juliet.join('Juliet')
  }
  t.equal(juliet.hear().at(-1), 'presence error policy-violation', 'nor comes and goes without end')
  world.clock.advance(60_000)
  await juliet.join('Juliet')
  t.match(juliet.hear().join(), /\[110\]/)
})
