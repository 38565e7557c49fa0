/** A room of thousands: others get their turn while somebody enters, and nobody hears anything out of order. */
import t from 'tap'
import { presence } from '../../../server/xml/build.ts'
import { Jid } from '../../../server/jid/jid.ts'
import { MucWorld, ROOM } from '../../support/muc-world.ts'

const OCCUPANTS = 5000

t.test('entering a large room does not hold up the server', async (t) => {
  await using world = await MucWorld.open({ config: '{ max_occupants: 10000 }' })
  const romeo = world.person('romeo@localhost/r')
  await romeo.join('Romeo')
  await romeo.configure()
  const room = await world.rooms.find('room')
  if (room === undefined) throw new Error('no room')
  for (let i = 0; i < OCCUPANTS; i++) {
    const jid = Jid.parse(`u${i}@localhost/x`)
    room.seat(jid, room.makeOccupant(`n${i}`, jid.toBare(), 'participant'), presence({}))
  }
  romeo.take()

  const juliet = world.person('juliet@localhost/j')
  let turns = 0
  let longest = 0
  let last = performance.now()
  let isDone = false
  const tick = (): void => {
    const now = performance.now()
    longest = Math.max(longest, now - last)
    last = now
    turns++
    if (!isDone) setImmediate(tick)
  }
  const entered = juliet.join('Juliet')
  const spoken = romeo.speak('while she comes in')
  tick()
  await Promise.all([entered, spoken])
  isDone = true
  t.comment(`${turns} turns of the loop, the longest ${longest.toFixed(1)} ms`)
  t.ok(turns > OCCUPANTS / 1000, 'others got their turn')

  const heard = juliet.take()
  t.equal(heard.filter(({ name }) => name === 'presence').length, OCCUPANTS + 2)
  t.equal(heard.at(-3)?.from, `${ROOM}/Juliet`, 'herself last')
  t.ok(heard.at(-2)?.has('subject'))
  t.equal(heard.at(-1)?.childText('body'), 'while she comes in', 'what was said meanwhile comes behind')
  t.strictSame(romeo.hear(), [
    'presence room/Juliet none/participant jid=juliet@localhost/j',
    'message groupchat room/Romeo "while she comes in"',
  ])
})
