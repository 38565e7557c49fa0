/** What admins of the service do, as they type it. */
import t from 'tap'
import { MucWorld, ROOM, SERVICE, summary } from '../../support/muc-world.ts'

t.test('rooms are made, shown, configured and destroyed', async (t) => {
  await using world = await MucWorld.open()
  const romeo = world.person('romeo@localhost/r')
  const juliet = world.person('juliet@localhost/j')
  t.strictSame(await world.run(`muc create ${ROOM} romeo@localhost`), [`${ROOM} made for romeo@localhost`])
  await t.rejects(world.run(`muc create ${ROOM} romeo@localhost`), /there is a room/)
  await t.rejects(world.run('muc create room@elsewhere.example romeo@localhost'), /is not a room of/)
  await romeo.join('Romeo')
  await juliet.join('Juliet')
  for (const person of [romeo, juliet]) person.take()

  t.strictSame(await world.run(`muc configure ${ROOM} moderatedroom true`), [`${ROOM}: moderated changed`])
  t.strictSame(romeo.hear(), ['message groupchat room [104]'])
  await world.run(`muc configure ${ROOM} presencebroadcast moderator,participant`)
  t.strictSame(await world.run(`muc configure ${ROOM} moderatedroom true`), ['nothing to change'])
  await t.rejects(world.run(`muc configure ${ROOM} maxusers many`), /must be one of the values/)
  await t.rejects(world.run(`muc configure ${ROOM} shape round`), /no option shape/)

  t.strictSame(await world.run('muc list'), [`${ROOM} 2`])
  const shown = (await world.run(`muc show ${ROOM}`)).join('\n')
  t.match(shown, /muc#roomconfig_moderatedroom: true/)
  t.match(shown, /owner romeo@localhost/)
  t.match(shown, /participant Juliet: juliet@localhost\/j/)
  t.notMatch(shown, /roomsecret/)

  await t.rejects(world.run(`muc affiliation ${ROOM} romeo@localhost member`), /must have an owner/)
  await world.run(`muc affiliation ${ROOM} juliet@localhost owner`)
  t.match(juliet.hear(), [/./, /./, 'presence room/Juliet [110] owner/moderator jid=juliet@localhost/j', /./])
  await t.rejects(world.run(`muc kick ${ROOM} Nobody`), /nobody in/)
  t.strictSame(await world.run(`muc kick ${ROOM} Juliet --reason loud`), [`Juliet (juliet@localhost) has left ${ROOM}`])
  t.match(juliet.hear(), ['presence unavailable room/Juliet [307 110] owner/none jid=juliet@localhost/j'])
  t.strictSame(await world.run(`muc destroy ${ROOM}`), [`${ROOM} destroyed, 1 occupants were told`])
  t.strictSame(await world.run('muc list'), [])
  await t.rejects(world.run(`muc show ${ROOM}`), /there is no room/)
  t.strictSame(world.complaints, [])
})

t.test('rooms in which nothing happens are found and removed', async (t) => {
  await using world = await MucWorld.open()
  const romeo = world.person('romeo@localhost/r')
  for (const node of ['quiet', 'loud', 'full']) await world.run(`muc create ${node}@${SERVICE} romeo@localhost`)
  world.clock.advance(40 * 86_400_000)
  await romeo.join('Romeo', `loud@${SERVICE}`)
  await romeo.speak('hello', `loud@${SERVICE}`)
  await romeo.leave('Romeo', `loud@${SERVICE}`)
  await romeo.join('Romeo', `full@${SERVICE}`)
  t.strictSame(await world.run('muc idle 30'), [`quiet@${SERVICE}`])
  t.strictSame(await world.run('muc idle 30 --destroy true'), [`quiet@${SERVICE} destroyed`])
  t.strictSame(await world.run('muc list'), [`full@${SERVICE} 1`, `loud@${SERVICE} 0`])
})

t.test('who may make rooms', async (t) => {
  await using world = await MucWorld.open({
    config: '{ restrict_room_creation: admins, max_rooms_per_creator: 2, tombstone_expiry: 1 day }',
  })
  const romeo = world.person('romeo@localhost/r')
  const friar = world.person('friar@localhost/f')
  world.roles.set('friar@localhost', 'admin')
  await romeo.join('Romeo')
  t.strictSame(romeo.hear(), ['presence error not-allowed'])
  for (const node of ['a', 'b', 'c']) {
    await friar.join('Friar', `${node}@${SERVICE}`)
    await friar.configure({ persistentroom: '1' }, `${node}@${SERVICE}`)
  }
  t.equal(world.rooms.count, 3, 'admins of a host of accounts, as many as they like')
  await friar.say(
    `<iq to='a@${SERVICE}' type='set' id='d'><query xmlns='http://jabber.org/protocol/muc#owner'><destroy jid='b@${SERVICE}'/></query></iq>`,
  )
  await romeo.join('Romeo', `a@${SERVICE}`)
  t.match(
    romeo.take().map(String),
    [/<gone [^>]*>xmpp:b@conference\.localhost\?join<\/gone>/],
    'whoever is late is sent on',
  )

  await using open = await MucWorld.open({ config: '{ max_rooms_per_creator: 2 }' })
  const juliet = open.person('juliet@localhost/j')
  for (const node of ['a', 'b', 'c']) await juliet.join('Juliet', `${node}@${SERVICE}`)
  t.match(juliet.take().map(summary).at(-1), 'presence error resource-constraint')
})
