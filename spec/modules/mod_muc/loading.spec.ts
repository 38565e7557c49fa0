/** Rooms that come into memory and leave it again while others wait for them, and rooms that keep others waiting. */
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

t.test('who has waited too long is told so, and nothing comes of it later', async (t) => {
  await using world = await MucWorld.open()
  const [romeo, juliet, tybalt] = ['romeo', 'juliet', 'tybalt'].map((name) => world.person(`${name}@localhost/x`))
  if (romeo === undefined || juliet === undefined || tybalt === undefined) throw new Error('nobody')
  await romeo.join('Romeo')
  await romeo.configure()
  await tybalt.join('Tybalt')
  const room = await world.rooms.find('room')
  if (room === undefined) throw new Error('no room')
  for (const person of [romeo, tybalt]) person.take()

  const busy = Promise.withResolvers<void>()
  const held = world.rooms.use(room, () => busy.promise)
  const said = [
    juliet.join('Juliet'),
    romeo.speak('hello'),
    romeo.configure({ roomname: 'Verona' }),
    tybalt.leave('Tybalt'),
  ]
  world.clock.advance(31_000)
  await Promise.all(said)
  t.strictSame(juliet.hear(), ['presence error internal-server-error'])
  t.strictSame(romeo.hear(), ['message error internal-server-error', 'iq error internal-server-error'])
  busy.resolve()
  await held
  await world.settled()
  t.strictSame(
    romeo.hear(),
    ['presence unavailable room/Tybalt none/none jid=tybalt@localhost/x'],
    'who has left has left',
  )
  t.strictSame(juliet.hear(), [])
  t.notOk(room.occupants.has('Juliet'))
  t.equal(room.get({ key: 'name' }), '')
  await juliet.join('Juliet')
  t.match(juliet.hear(), [/Romeo/, /110/, /subject/])
})
