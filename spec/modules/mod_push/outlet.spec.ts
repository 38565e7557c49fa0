/** When a push service is told, whatever happens in which order. */
import fc from 'fast-check'
import t from 'tap'
import type { News } from '../../../modules/mod_push/news.ts'
import { Outlet } from '../../../modules/mod_push/outlet.ts'
import type { Registration } from '../../../modules/mod_push/registration.ts'
import { type StanzaCondition, StanzaError } from '../../../server/stanza-error.ts'
import { FakeClock } from '../../support/fake-clock.ts'

const GATHER = 3
const MAX_ERRORS = 4
const registration: Registration = { jid: 'push.example', resource: 'phone', enabledAt: 0 }

interface Told {
  readonly at: number
  readonly kind: News['kind']
  readonly count: number
}

/** An outlet, and a service that answers as it is told to. */
function stage() {
  const clock = new FakeClock()
  const began = clock.now()
  const told: Told[] = []
  const state: { answer: StanzaCondition | 'result' | 'none'; isRevoked: boolean } = {
    answer: 'result',
    isRevoked: false,
  }
  const outlet = new Outlet(
    registration,
    {
      now: () => clock.now(),
      chance: () => 0,
      after: (seconds, run) => clock.after(seconds * 1000, run),
      async publish(_, { kind }, count) {
        told.push({ at: (clock.now() - began) / 1000, kind, count })
        if (state.answer === 'none') await new Promise(() => {})
        else if (state.answer !== 'result') throw new StanzaError(state.answer)
      },
      async revoke() {
        state.isRevoked = true
      },
    },
    { gatherSeconds: GATHER, maxErrors: MAX_ERRORS },
  )
  return { clock, told, state, outlet, pass: (seconds: number) => pass(clock, seconds) }
}

async function pass(clock: FakeClock, seconds: number): Promise<void> {
  await turns()
  // Timers set others; over a long time, a little later does not matter.
  const step = seconds > 1000 ? 30 : 1
  for (let passed = 0; passed < seconds; passed += step) {
    clock.advance(step * 1000)
    await turns()
  }
}

async function turns(): Promise<void> {
  for (let turn = 0; turn < 8; turn++) await Promise.resolve()
}

function news(kind: News['kind'] = 'message'): News {
  return { kind, name: undefined, sender: 'romeo@localhost', body: undefined }
}

t.test('the first is told at once, what follows is gathered, a call is not', async (t) => {
  const { told, outlet, pass } = stage()
  outlet.add(news())
  await pass(0)
  outlet.add(news())
  outlet.add(news())
  await pass(1)
  t.strictSame(told, [{ at: 0, kind: 'message', count: 1 }])
  outlet.add(news('call'))
  await pass(0)
  t.strictSame(told.slice(1), [{ at: 1, kind: 'call', count: 4 }], 'and it speaks for all')
  await pass(10)
  t.equal(told.length, 2)
  outlet.seen()
  outlet.add(news())
  await pass(0)
  t.strictSame(told.slice(2), [{ at: 11, kind: 'message', count: 1 }], 'whoever was there counts anew')
})

t.test('callers cannot ring without end', async (t) => {
  const { told, outlet, pass } = stage()
  for (let call = 0; call < 50; call++) {
    outlet.add(news('call'))
    await pass(0)
  }
  t.ok(told.length <= 6, `${told.length} at once`)
  await pass(GATHER)
  t.equal(told.at(-1)?.count, 50, 'but what was rung is told')
})

t.test('a service that cannot be reached is tried again, ever later, and is not given up', async (t) => {
  const { told, outlet, state, pass } = stage()
  state.answer = 'remote-server-not-found'
  outlet.add(news())
  await pass(225)
  t.strictSame(
    told.map(({ at }) => at),
    [0, 15, 45, 105, 225],
  )
  outlet.add(news('call'))
  await pass(0)
  t.equal(told.length, 5, 'a call does not help then')
  await pass(100_000)
  const before = told.length
  await pass(20_000)
  t.equal(told.length, before, 'some day nobody need be told any more')
  t.notOk(state.isRevoked)
  state.answer = 'result'
  outlet.add(news())
  await pass(3600)
  t.equal(told.length, before + 1, 'and then it works again')
})

t.test('errors that pass are forgiven so many times in a row; others are not', async (t) => {
  for (const answer of ['service-unavailable', 'internal-server-error', 'resource-constraint'] as const) {
    const { told, outlet, state, pass } = stage()
    state.answer = answer
    outlet.add(news())
    await pass(1000)
    t.equal(told.length, MAX_ERRORS, answer)
    t.ok(state.isRevoked, answer)
  }
  for (const answer of ['item-not-found', 'forbidden', 'gone', 'conflict', 'not-authorized'] as const) {
    const { told, outlet, state, pass } = stage()
    state.answer = answer
    outlet.add(news())
    await pass(1000)
    outlet.add(news())
    await pass(1000)
    t.equal(told.length, 1, answer)
    t.ok(state.isRevoked, answer)
  }
})

t.test('a client that has come meanwhile is not told again', async (t) => {
  const { told, outlet, state, pass } = stage()
  state.answer = 'remote-server-timeout'
  outlet.add(news())
  await pass(1)
  outlet.seen()
  await pass(1000)
  t.equal(told.length, 1)
})

t.test('an answer that is lost does not hold up what comes for long', async (t) => {
  const { told, outlet, state, pass } = stage()
  state.answer = 'none'
  outlet.add(news())
  await pass(1)
  outlet.add(news())
  await pass(8)
  t.equal(told.length, 1)
  await pass(2)
  t.equal(told.length, 2)
})

t.test('laws', async (t) => {
  const step = fc.oneof(
    { weight: 4, arbitrary: fc.constant('message' as const) },
    { weight: 1, arbitrary: fc.constant('call' as const) },
    { weight: 1, arbitrary: fc.constant('seen' as const) },
    { weight: 3, arbitrary: fc.integer({ min: 1, max: 20 }) },
    { weight: 1, arbitrary: fc.constantFrom('ok' as const, 'away' as const) },
  )
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const { told, outlet, state, pass } = stage()
      let missed = 0
      for (const one of steps) {
        if (typeof one === 'number') await pass(one)
        else if (one === 'ok') state.answer = 'result'
        else if (one === 'away') state.answer = 'remote-server-not-found'
        else if (one === 'seen') {
          outlet.seen()
          missed = 0
        } else {
          outlet.add(news(one))
          missed++
        }
        if (typeof one !== 'number') await pass(0)
      }
      state.answer = 'result'
      const before = told.length
      if (missed > 0) outlet.add(news())
      await pass(2 * 3600)
      // In the end the service knows of everything that nobody has seen.
      if (missed > 0) t.equal(told.at(-1)?.count, missed + 1)
      else t.equal(told.length, before)
      const messages = told.filter(({ kind }) => kind === 'message')
      for (const [index, { at }] of messages.entries()) {
        const former = messages[index - 1]
        if (former !== undefined && at - former.at < GATHER) t.fail(`told at ${former.at} and at ${at}`)
      }
    }),
    { numRuns: 60 },
  )
})
