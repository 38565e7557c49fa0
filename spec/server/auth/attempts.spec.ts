import fc from 'fast-check'
import t from 'tap'
import { LoginAttempts } from '../../../server/auth/attempts.ts'
import type { Clock } from '../../../server/util/clock.ts'

const HOUR = 3_600_000

function setup(limits: ConstructorParameters<typeof LoginAttempts>[1] = {}) {
  const time = { now: 1_000_000 }
  const clock: Clock = {
    now: () => time.now,
    after: () => ({ [Symbol.dispose]: () => {} }),
    every: () => ({ [Symbol.dispose]: () => {} }),
  }
  return { time, attempts: new LoginAttempts(clock, limits) }
}

t.test('lets people mistype, then answers slower and slower, then not at all', (t) => {
  const { time, attempts } = setup()
  const delays = Array.from({ length: 20 }, () => {
    t.equal(attempts.blockedMilliseconds('192.0.2.1'), 0)
    time.now += 1000
    return attempts.failed('192.0.2.1') / 1000
  })
  t.same(delays.slice(0, 9), [0, 0, 0, 1, 2, 4, 8, 16, 20])
  t.ok(delays.slice(9).every((seconds) => seconds === 20))

  t.equal(attempts.blockedMilliseconds('192.0.2.1'), HOUR - 19_000, 'until the oldest is an hour old')
  t.equal(attempts.blockedMilliseconds('192.0.2.2'), 0, 'nobody else')
  time.now += HOUR - 19_000
  t.equal(attempts.blockedMilliseconds('192.0.2.1'), 0)
  attempts.failed('192.0.2.1')
  t.equal(attempts.blockedMilliseconds('192.0.2.1'), 1000, 'one goes, one comes')
  time.now += HOUR
  t.equal(attempts.failed('192.0.2.1'), 0, 'all is forgotten in the end')

  for (let i = 0; i < 20; i++) attempts.failed('192.0.2.1')
  time.now -= 24 * HOUR
  t.equal(attempts.blockedMilliseconds('192.0.2.1'), 0, 'a clock that was set back blocks nobody for a day')
  t.end()
})

t.test('counts networks that belong to one subscriber', (t) => {
  const groups = [
    ['2001:db8:1:2::1', '2001:DB8:1:2:ffff:ffff:ffff:ffff', '2001:0db8:0001:0002::9'],
    ['2001:db8:1:3::1'],
    ['192.0.2.1', '::ffff:192.0.2.1', '::ffff:c000:201'],
    ['192.0.2.2'],
    ['/run/madrigal.sock'],
    [''],
    ['__proto__'],
  ]
  const { attempts } = setup({ failures: 3 })
  for (const group of groups) {
    const [first = ''] = group
    t.equal(attempts.blockedMilliseconds(first), 0)
    for (let i = 0; i < 3; i++) attempts.failed(group[i % group.length] ?? '')
    for (const address of group) t.ok(attempts.blockedMilliseconds(address) > 0, address)
  }
  t.end()
})

t.test('remembers so many addresses, and forgets whoever has failed longest ago', (t) => {
  const { attempts } = setup({ failures: 1, addresses: 3 })
  for (let i = 0; i < 4; i++) attempts.failed(`192.0.2.${i}`)
  const blocked = [0, 1, 2, 3].filter((i) => attempts.blockedMilliseconds(`192.0.2.${i}`) > 0)
  t.same(blocked, [1, 2, 3])
  t.end()
})

t.test('never more than twenty in any hour, whatever the times', (t) => {
  const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)
  t.comment(`seed ${seed}`)
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -HOUR / 4, max: HOUR / 2 }), { maxLength: 200 }), (pauses) => {
      const { time, attempts } = setup()
      let admitted: number[] = []
      for (const pause of pauses) {
        time.now += Math.trunc(pause / 10)
        admitted = admitted.filter((at) => at <= time.now && at > time.now - HOUR)
        const blocked = attempts.blockedMilliseconds('192.0.2.1')
        if (blocked > HOUR || blocked > 0 !== admitted.length >= 20) return false
        if (blocked === 0) {
          attempts.failed('192.0.2.1')
          admitted.push(time.now)
        }
      }
      return true
    }),
    { seed },
  )
  t.end()
})
