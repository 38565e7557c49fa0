/** What is on its way into archives: counted, and missed if it does not arrive. */
import t from 'tap'
import { Writes } from '../../../modules/mod_mam/writes.ts'
import { createLog } from '../../../server/log/log.ts'
import { TestClock } from '../../../storage/contract/test-clock.ts'

const turn = () => new Promise((resolve) => setImmediate(resolve))

function setUp() {
  const lines: string[] = []
  const clock = new TestClock(0)
  const log = createLog({ level: 'error', modules: new Map() }, { write: (line) => void lines.push(line) })
  return { writes: new Writes(log, clock), clock, lines }
}

t.test('is behind while too much is waiting', async (t) => {
  const { writes } = setUp()
  const { promise, resolve } = Promise.withResolvers<void>()
  for (let i = 0; i < 2000; i++) writes.watch('romeo', promise)
  t.equal(writes.isBehind, false)
  const other = Promise.withResolvers<void>()
  writes.watch('juliet', other.promise)
  t.equal(writes.isBehind, true)
  other.resolve()
  await turn()
  t.equal(writes.isBehind, false)
  writes.watch('juliet', promise)
  t.equal(writes.isBehind, true)
  resolve()
  await turn()
  t.equal(writes.isBehind, false)
})

t.test('tells once whose messages were lost, and does not fill the log', async (t) => {
  const { writes, clock, lines } = setUp()
  const batch = Promise.reject(new Error('disk full'))
  writes.watch('romeo', batch)
  writes.watch('juliet', batch)
  writes.watch('romeo', batch)
  await turn()
  for (let i = 0; i < 100; i++) writes.watch('nurse', Promise.reject(new Error('disk full')))
  await turn()
  t.equal(writes.takeLoss('romeo'), true)
  t.equal(writes.takeLoss('romeo'), false)
  t.equal(writes.takeLoss('juliet'), true)
  t.equal(writes.takeLoss('nurse'), true)
  t.equal(writes.takeLoss('tybalt'), false)
  t.equal(lines.length, 1)
  t.match(lines[0], /"count":3.*messages were not archived/)
  clock.step(10_000)
  writes.watch('nurse', Promise.reject(new Error('disk full')))
  await turn()
  t.match(lines[1], /"count":101/)
  t.equal(writes.isBehind, false)
})
