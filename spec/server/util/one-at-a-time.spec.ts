import t from 'tap'
import { OneAtATime } from '../../../server/util/one-at-a-time.ts'

t.test('jobs of one name wait for each other, also for those that fail', async (t) => {
  const turns = new OneAtATime()
  const seen: string[] = []
  const job =
    (name: string, fails = false) =>
    async (): Promise<string> => {
      seen.push(`${name} begins`)
      await new Promise((resolve) => setImmediate(resolve))
      seen.push(`${name} ends`)
      if (fails) throw new Error(name)
      return name
    }
  const first = turns.run('a', job('first', true))
  const second = turns.run('a', job('second'))
  const other = turns.run('b', job('other'))
  await t.rejects(first, /first/)
  t.equal(await second, 'second')
  t.equal(await other, 'other')
  t.same(seen.slice(0, 2), ['first begins', 'other begins'])
  const ofOne = seen.filter((line) => !line.startsWith('other'))
  t.same(ofOne, ['first begins', 'first ends', 'second begins', 'second ends'])
  t.equal(await turns.run('a', job('third')), 'third')
})
