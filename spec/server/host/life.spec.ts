import t from 'tap'
import { Life } from '../../../server/host/life.ts'
import { createLog } from '../../../server/log/log.ts'
import { FakeClock } from '../../support/fake-clock.ts'

function begin(): { life: Life; clock: FakeClock; logged: string[] } {
  const logged: string[] = []
  const clock = new FakeClock()
  const log = createLog({ level: 'warn', modules: new Map() }, { write: (line) => void logged.push(line) })
  return { life: new Life(log, clock), clock, logged }
}

t.test('what was tied to a life is undone with it, the last first', async (t) => {
  const { life } = begin()
  const undone: string[] = []
  life.defer(() => void undone.push('first'))
  life.use({ [Symbol.dispose]: () => void undone.push('second') })
  life.defer(async () => void undone.push('third'))
  await life[Symbol.asyncDispose]()
  t.strictSame(undone, ['third', 'second', 'first'])
})

t.test('work in the background is aborted at the end, and waited for', async (t) => {
  const { life } = begin()
  const steps: string[] = []
  life.spawn('work', async (signal) => {
    const { promise, resolve } = Promise.withResolvers<void>()
    signal.addEventListener('abort', () => resolve())
    await promise
    steps.push('cleaned up')
  })
  await life[Symbol.asyncDispose]()
  steps.push('over')
  t.strictSame(steps, ['cleaned up', 'over'])
})

t.test('an error of a task is logged, whether it comes at once or later, and nothing else ends', async (t) => {
  const { life, clock, logged } = begin()
  const fail = (): never => {
    throw new Error('a bug')
  }
  life.spawn('at once', fail)
  life.spawn('later', async () => fail())
  let runs = 0
  life.every('minute', 'again', () => {
    runs++
    fail()
  })
  clock.advance(120_000)
  await life[Symbol.asyncDispose]()
  t.equal(runs, 2)
  t.equal(logged.filter((line) => line.includes('a bug')).length, 4)
})

t.test('timers do not outlive their life', async (t) => {
  const { life, clock } = begin()
  const rang: string[] = []
  life.after(10, 'in time', () => void rang.push('in time'))
  life.after(10, 'taken back', () => void rang.push('taken back'))[Symbol.dispose]()
  life.after(60, 'late', () => void rang.push('late'))
  life.every('minute', 'again', () => void rang.push('again'))
  clock.advance(10_000)
  await life[Symbol.asyncDispose]()
  clock.advance(3_600_000)
  t.strictSame(rang, ['in time'])
  t.equal(clock.pending, 0)
})

t.test('what cannot be ended is logged, and keeps nothing else from ending', async (t) => {
  const { life, logged } = begin()
  const ended: string[] = []
  life.defer(() => void ended.push('first'))
  life.defer(() => {
    throw new Error('stuck')
  })
  life.defer(() => Promise.reject(new Error('stuck later')))
  life.defer(() => void ended.push('last'))
  await life[Symbol.asyncDispose]()
  t.strictSame(ended, ['last', 'first'])
  t.match(logged.join(), /cleanup failed/)
  t.match(logged.join(), /stuck later/)
})
