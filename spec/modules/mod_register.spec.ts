import t from 'tap'
import { RegistrationRates } from '../../modules/mod_register/rates.ts'
import { AccountWorld } from '../support/account-world.ts'
import { FakeClock } from '../support/fake-clock.ts'

const MINUTE = 60_000

t.test('only so many accounts are made from one network in an hour', (t) => {
  const clock = new FakeClock(Date.parse('2026-01-01T00:00:00Z'))
  const rates = new RegistrationRates(3, clock)
  const tries = (address: string, times: number): readonly boolean[] =>
    Array.from({ length: times }, () => rates.allow(address))
  t.strictSame(tries('192.0.2.1', 5), [true, true, true, false, false])
  t.strictSame(tries('192.0.2.2', 1), [true], 'another address')
  t.strictSame(tries('::ffff:192.0.2.1', 1), [false], 'the same, as sockets for both families tell it')
  clock.advance(21 * MINUTE)
  t.strictSame(tries('192.0.2.1', 2), [true, false], 'a third of an hour later there is one more')
  t.strictSame(tries('2001:db8:1:2::1', 3), [true, true, true])
  t.strictSame(tries('2001:db8:1:2:3:4:5:6', 1), [false], 'a subscriber of IPv6 has many addresses')
  t.strictSame(tries('2001:db8:1:3::1', 1), [true])
  t.end()
})

t.test('an account is gone when its owner is told so, though there is more to be removed', async (t) => {
  await using world = await AccountWorld.open()
  const romeo = await world.client('romeo@localhost/orchard')
  const answer = await romeo.ask('set', "<query xmlns='jabber:iq:register'><remove/></query>")
  t.match(answer, { type: 'result' })
  t.notOk(await world.accounts.exists('romeo'))
  t.ok(romeo.session.closed)
  t.strictSame(world.complaints, [])
})

t.test('an account that could not be removed is still there', async (t) => {
  await using world = await AccountWorld.open()
  const romeo = await world.client('romeo@localhost/orchard')
  const { hooks } = world.host
  const refusal = hooks.on(
    'account/removing',
    () => {
      throw new Error('not today')
    },
    0,
    'spec',
  )
  t.match(await romeo.ask('set', "<query xmlns='jabber:iq:register'><remove/></query>"), { type: 'error' })
  t.ok(await world.accounts.exists('romeo'))
  t.notOk(romeo.session.closed)
  refusal[Symbol.dispose]()
  t.match(await romeo.ask('set', "<query xmlns='jabber:iq:register'><remove/></query>"), { type: 'result' })
})
