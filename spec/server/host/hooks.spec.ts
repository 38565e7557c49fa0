import fc from 'fast-check'
import t from 'tap'
import { type Chain, Hooks, type Notice, type Query, type Shape } from '../../../server/host/hooks.ts'
import { handled } from '../../../server/routed-stanza.ts'

interface Known {
  chain: Chain<string[]>
  question: Query<number, string>
  shape: Shape<string[]>
  notice: Notice<string[]>
}

const strict = (): Hooks<Known> =>
  new Hooks((error) => {
    throw error
  })

t.test('handlers run by stage, and within one in the order in which they came', (t) => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 5 }), { maxLength: 30 }), (stages) => {
      const hooks = strict()
      const heard: number[] = []
      for (const [index, stage] of stages.entries()) {
        hooks.on('notice', () => void heard.push(index), stage, `m${index}`)
      }
      hooks.announce('notice', [])
      const expected = [...stages.keys()].toSorted((a, b) => stages[a]! - stages[b]! || a - b)
      t.strictSame(heard, expected)
      t.strictSame(
        hooks.list('notice').map(({ source }) => source),
        expected.map((index) => `m${index}`),
      )
    }),
  )
  t.end()
})

t.test('a chain ends with the first that handles, whether handlers wait or not', async (t) => {
  const outcome = fc.constantFrom('passes', 'handles', 'passes later', 'handles later')
  await fc.assert(
    fc.asyncProperty(fc.array(outcome, { maxLength: 12 }), async (outcomes) => {
      const hooks = strict()
      for (const [index, what] of outcomes.entries()) {
        const run = (heard: string[]): typeof handled | undefined => {
          heard.push(String(index))
          return what.startsWith('handles') ? handled : undefined
        }
        hooks.on('chain', what.endsWith('later') ? async (heard) => run(heard) : run, 0, '')
      }
      const heard: string[] = []
      const last = outcomes.findIndex((what) => what.startsWith('handles'))
      t.equal(await hooks.fire('chain', heard), last === -1 ? undefined : handled)
      t.equal(heard.length, last === -1 ? outcomes.length : last + 1)
    }),
  )
})

t.test('nothing waits unless a handler does', (t) => {
  const hooks = strict()
  t.equal(hooks.fire('chain', []), undefined)
  hooks.on('chain', () => handled, 0, '')
  t.equal(hooks.fire('chain', []), handled)
  t.end()
})

t.test('the first answer to a question counts', (t) => {
  const hooks = strict()
  t.equal(hooks.fire('question', 1), undefined)
  hooks.on('question', (n) => (n > 1 ? 'many' : undefined), 0, '')
  hooks.on('question', () => 'any', 1, '')
  t.equal(hooks.fire('question', 1), 'any')
  t.equal(hooks.fire('question', 2), 'many')
  t.end()
})

t.test('an error ends a chain and a shape, and is the caller’s', async (t) => {
  const hooks = strict()
  const fail = (): never => {
    throw new Error('no')
  }
  hooks.on('shape', fail, 0, '')
  hooks.on('shape', (parts) => void parts.push('late'), 1, '')
  const parts: string[] = []
  t.throws(() => hooks.fire('shape', parts), /no/)
  hooks.on('chain', async () => fail(), 0, '')
  hooks.on('chain', (heard) => void heard.push('late'), 1, '')
  // The reply of a chain whose handler waits is a promise.
  await t.rejects(Promise.resolve(hooks.fire('chain', parts)), /no/)
  t.strictSame(parts, [])
})

t.test('an error of one does not keep a notice from others, and is reported with its module', (t) => {
  const reports: unknown[] = []
  const hooks = new Hooks<Known>((error, source) => reports.push([String(error), source]))
  hooks.on('notice', () => t.fail('never'), 0, 'gone')[Symbol.dispose]()
  hooks.on(
    'notice',
    () => {
      throw new Error('no')
    },
    0,
    'faulty',
  )
  hooks.on('notice', (heard) => void heard.push('heard'), 1, 'sound')
  const heard: string[] = []
  hooks.announce('notice', heard)
  t.strictSame(heard, ['heard'])
  t.strictSame(reports, [['Error: no', 'faulty']])
  t.end()
})

t.test('handlers that come and go while theirs is fired take effect with the next', (t) => {
  const hooks = strict()
  const late = (heard: string[]): void => void heard.push('late')
  const first = hooks.on(
    'notice',
    (heard) => {
      heard.push('first')
      first[Symbol.dispose]()
      hooks.on('notice', late, 0, '')
    },
    0,
    '',
  )
  const heard: string[] = []
  hooks.announce('notice', heard)
  t.strictSame(heard, ['first'])
  hooks.announce('notice', heard)
  t.strictSame(heard, ['first', 'late'])
  t.end()
})

t.test('a name that is no hook has no handlers', (t) => {
  const hooks = strict()
  const only = hooks.on('shape', () => {}, 0, '')
  t.equal(hooks.list('shape').length, 1)
  only[Symbol.dispose]()
  only[Symbol.dispose]()
  t.strictSame(hooks.list('shape'), [])
  // An admin may ask for anything.
  for (const name of ['__proto__', 'constructor']) t.strictSame(hooks.list(name as 'shape'), [])
  t.end()
})
