import t from 'tap'
import { paced } from '../../../server/util/paced.ts'
import { FakeClock } from '../../support/fake-clock.ts'

const NUMBERS = [1, 2, 3, 4, 5]

function start(signal?: AbortSignal) {
  const clock = new FakeClock(0)
  const done: number[] = []
  const pace = { clock, count: 2, pauseMilliseconds: 50, ...(signal && { signal }) }
  const ended = paced(NUMBERS, (number) => void done.push(number), pace)
  const advance = async (milliseconds: number): Promise<void> => {
    clock.advance(milliseconds)
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { done, ended, advance }
}

t.test('so many are done at once, then there is a pause', async (t) => {
  const { done, ended, advance } = start()
  await advance(0)
  t.strictSame(done, [1, 2])
  await advance(49)
  t.strictSame(done, [1, 2])
  await advance(1)
  t.strictSame(done, [1, 2, 3, 4])
  await advance(50)
  t.equal(await ended, 5)
})

t.test('it can be ended', async (t) => {
  const aborter = new AbortController()
  const { done, ended, advance } = start(aborter.signal)
  await advance(0)
  aborter.abort()
  await advance(50)
  t.equal(await ended, 2)
  t.strictSame(done, [1, 2])
})
