import t from 'tap'
import { AccountWorld, type Person } from '../support/account-world.ts'

const SECOND = 1000

/** Gives the client a wire of which one can say when something last came over it. */
function wire({ clock }: AccountWorld, { stream }: Person): { hear(): void; closedWith: string | undefined } {
  const told: { hear(): void; closedWith: string | undefined } = {
    hear: () => {
      stream.heardAt = clock.now()
    },
    closedWith: undefined,
  }
  told.hear()
  stream.close = (error) => {
    told.closedWith = error?.condition
  }
  Object.assign(stream, { transport: { destroy() {} } })
  return told
}

t.test('whoever is silent is pinged, and has to go if there is no answer', async (t) => {
  await using world = await AccountWorld.open({
    modules: '{ idle: { ping_after: 50 seconds, ping_timeout: 20 seconds } }',
  })
  const romeo = await world.client('romeo@localhost/orchard')
  const juliet = await world.client('juliet@localhost/balcony')
  const wires = { romeo: wire(world, romeo), juliet: wire(world, juliet) }
  for (let second = 0; second < 40; second += 10) await world.advance(10 * SECOND)
  t.strictSame([...romeo.take(), ...juliet.take()], [], 'not before its time')
  await world.advance(10 * SECOND)
  t.match(romeo.take(), [{ name: 'iq', type: 'get', from: 'localhost', to: 'romeo@localhost/orchard' }])
  await world.advance(10 * SECOND)
  t.strictSame(romeo.take(), [], 'once')
  wires.juliet.hear()
  await world.advance(10 * SECOND)
  t.equal(wires.romeo.closedWith, 'connection-timeout')
  t.equal(wires.juliet.closedWith, undefined)
  for (let second = 0; second < 50; second += 10) await world.advance(10 * SECOND)
  t.match(juliet.take(), [{ name: 'iq' }, { name: 'iq' }], 'and again after the next silence')
})
