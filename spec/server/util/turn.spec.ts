/** What is gathered during a turn of the event loop is flushed once, at its end. */
import t from 'tap'
import { Turn } from '../../../server/util/turn.ts'

const turns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}

t.test('few are flushed when the turn ends', async (t) => {
  const turn = new Turn()
  const flushed: string[] = []
  turn.atEnd({ flush: () => void flushed.push('one') })
  turn.atEnd({ flush: () => void flushed.push('two') })
  t.same(flushed, [], 'not before')
  await turns(1)
  t.same(flushed, ['one', 'two'])
  await turns(3)
  t.same(flushed, ['one', 'two'], 'once')
})

t.test('what is asked for during a flush has its own', async (t) => {
  const turn = new Turn()
  const flushed: string[] = []
  turn.atEnd({
    flush: () => {
      flushed.push('one')
      turn.atEnd({ flush: () => void flushed.push('two') })
    },
  })
  await turns(1)
  t.same(flushed, ['one'])
  await turns(1)
  t.same(flushed, ['one', 'two'])
})

t.test('many wait for what has arrived meanwhile, and for no more than that', async (t) => {
  const turn = new Turn()
  let flushed = 0
  for (let i = 0; i < 1000; i++) turn.atEnd({ flush: () => void flushed++ })
  await turns(1)
  t.equal(flushed, 0)
  turn.atEnd({ flush: () => void flushed++ })
  await turns(2)
  t.equal(flushed, 1001)
  await turns(3)
  t.equal(flushed, 1001)
})

t.test('flushing a great many does not hold up the loop', async (t) => {
  const turn = new Turn()
  let flushed = 0
  const busy = (): void => {
    const until = performance.now() + 0.1
    while (performance.now() < until);
    flushed++
  }
  for (let i = 0; i < 500; i++) turn.atEnd({ flush: busy })
  await turns(3)
  t.ok(flushed > 0 && flushed < 500, 'some of them')
  const seen = flushed
  turn.atEnd({ flush: busy })
  await turns(600)
  t.ok(flushed > seen)
  await turns(3)
  t.equal(flushed, 501)
})
