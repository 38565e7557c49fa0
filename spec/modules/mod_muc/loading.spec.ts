/** Rooms that come into memory and leave it again while others wait for them. */
import t from 'tap'
import { MucWorld, SERVICE } from '../../support/muc-world.ts'

const config = '{ rooms_at_hand: 1, default_persistent: true }'
const NODES = ['a', 'b', 'c', 'd']

t.test('a room that leaves memory while somebody is on the way to it is loaded anew', async (t) => {
  const former = await MucWorld.open({ config })
  const founder = former.person('romeo@localhost/r')
  for (const node of NODES) {
    await founder.join('Romeo', `${node}@${SERVICE}`)
    await founder.configure({}, `${node}@${SERVICE}`)
    await founder.leave('Romeo', `${node}@${SERVICE}`)
  }
  await former.settled()
  await former.close()

  await using world = await MucWorld.open({ config, storage: former.storage })
  const romeo = world.person('romeo@localhost/r')
  const ask = (node: string): Promise<void> =>
    romeo.say(`<iq to='${node}@${SERVICE}' type='get' id='${node}'><ping xmlns='urn:xmpp:ping'/></iq>`)
  const asked = Promise.all(NODES.map((node) => ask(node)))
  await Promise.race([asked, new Promise((resolve) => setTimeout(resolve, 2000))])
  const answered = new Set(romeo.take().map(({ from }) => from))
  t.strictSame(answered, new Set(NODES.map((node) => `${node}@${SERVICE}`)), 'each has answered')

  const room = await world.rooms.find('a')
  if (room === undefined) throw new Error('no room')
  for (const node of ['b', 'c']) await ask(node)
  t.ok(room.isGone, 'it has left memory')
  await world.rooms.use(room, ({ isGone }) => t.ok(isGone, 'whoever still holds it learns of that'))
  romeo.take()
  await ask('a')
  t.strictSame(romeo.hear(), ['iq result'], 'and nobody else notices')
  t.strictSame(world.complaints, [])
})
