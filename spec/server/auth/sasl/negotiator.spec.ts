import fc from 'fast-check'
import t from 'tap'
import { anonymous } from '../../../../server/auth/sasl/anonymous.ts'
import { external } from '../../../../server/auth/sasl/external.ts'
import type { Dialogue, Mechanism, SaslEnvironment, Step } from '../../../../server/auth/sasl/mechanism.ts'
import { SaslNegotiator, type Outcome } from '../../../../server/auth/sasl/negotiator.ts'
import { plain } from '../../../../server/auth/sasl/plain.ts'
import { SaslFailure } from '../../../../server/auth/sasl/sasl-failure.ts'
import { offerHash, scram } from '../../../../server/auth/sasl/scram.ts'
import { makeCertificate, xmppAddr } from './make-certificate.ts'
import { attributes, ScramClient } from './scram-client.ts'
import { conditionOf, HOST, scramNamed, world } from './world.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)
const juliet = { username: 'juliet', password: 'R0m30', hash: 'sha1' } as const
const all: readonly Mechanism[] = [anonymous, plain, ...scram, external]
const encode = (data: Buffer | string): string => Buffer.from(data).toString('base64')

async function negotiator(overrides: Partial<SaslEnvironment> = {}, known = all): Promise<SaslNegotiator> {
  const { environment } = await world(overrides)
  return new SaslNegotiator(known, environment)
}

/** The outcome, or the condition of the refusal. */
async function outcome(run: () => Outcome | Promise<Outcome>): Promise<string> {
  try {
    const { kind } = await run()
    return kind
  } catch (error) {
    if (error instanceof SaslFailure) return error.condition
    throw error
  }
}

t.test('offers what the channel allows, the strongest first', async (t) => {
  const certificate = makeCertificate([xmppAddr(`juliet@${HOST}`)]).der
  const bound = { bindingTypes: ['tls-exporter', 'tls-server-end-point'] as const }
  const plus = ['SCRAM-SHA-512-PLUS', 'SCRAM-SHA-256-PLUS', 'SCRAM-SHA-1-PLUS']
  const plainScram = ['SCRAM-SHA-512', 'SCRAM-SHA-256', 'SCRAM-SHA-1']

  const best = await negotiator({ ...bound, peerCertificate: certificate })
  t.same(best.mechanisms, ['EXTERNAL', ...plus, ...plainScram, 'PLAIN', 'ANONYMOUS'])
  t.same(best.bindingTypes, bound.bindingTypes)

  t.same((await negotiator()).mechanisms, [...plainScram, 'PLAIN', 'ANONYMOUS'], 'nothing to bind to')
  t.same((await negotiator()).bindingTypes, [])
  t.same((await negotiator({ secure: false })).mechanisms, [...plainScram, 'ANONYMOUS'], 'in clear')
  const stranger = makeCertificate([xmppAddr('juliet@mantua.example')]).der
  t.notOk((await negotiator({ peerCertificate: stranger })).mechanisms.includes('EXTERNAL'))

  const unbound = await negotiator(bound, [plain, scramNamed('SCRAM-SHA-1')])
  t.same(unbound.bindingTypes, [], 'no types without a mechanism that uses them (XEP-0440 §3)')
})

t.test('refuses what was not offered', async (t) => {
  const clear = await negotiator({ secure: false })
  t.equal(
    conditionOf(() => clear.begin('PLAIN', encode('\0juliet\0R0m30'))),
    'encryption-required',
  )
  t.equal(
    conditionOf(() => clear.begin('SCRAM-SHA-1-PLUS', undefined)),
    'invalid-mechanism',
  )
  t.equal(
    conditionOf(() => clear.begin('scram-sha-1', undefined)),
    'invalid-mechanism',
  )
  t.equal(
    conditionOf(() => clear.begin('__proto__', undefined)),
    'invalid-mechanism',
  )
  t.notOk(clear.exhausted)
  const few = await negotiator({}, [scramNamed('SCRAM-SHA-256')])
  t.equal(
    conditionOf(() => few.begin('PLAIN', undefined)),
    'invalid-mechanism',
  )
})

t.test('SCRAM vouches for the lists that were offered', async (t) => {
  const logins = await negotiator({ bindingTypes: ['tls-server-end-point'], channelBinding: () => Buffer.alloc(32) })
  const first = await logins.begin('SCRAM-SHA-256', encode('n,,n=juliet,r=abc'))
  const { h } = attributes(Buffer.from(first.data ?? '', 'base64').toString())
  t.equal(h, offerHash('sha-256', logins.mechanisms, logins.bindingTypes))
  const capable = await negotiator({ bindingTypes: ['tls-server-end-point'], channelBinding: () => Buffer.alloc(32) })
  t.equal(
    conditionOf(() => capable.begin('SCRAM-SHA-256', encode('y,,n=juliet,r=abc'))),
    'not-authorized',
  )
})

t.test('base64 is strict, `=` is nothing, and there is an end to it', async (t) => {
  const begin = async (initial: string | undefined, mechanism = 'PLAIN'): Promise<string> => {
    const logins = await negotiator()
    return outcome(() => logins.begin(mechanism, initial))
  }
  t.equal(await begin(encode('\0juliet\0R0m30')), 'success')
  for (const text of ['A', 'AA', '!!!!', ' AGp1', 'AGp1\n', '==', 'AA=A', 'AB==', '-_--']) {
    t.equal(await begin(text), 'incorrect-encoding', JSON.stringify(text))
  }
  t.equal(await begin('='), 'malformed-request', 'empty, and PLAIN is never')
  t.equal(await begin(''), 'malformed-request', 'empty as SASL2 has it')
  t.equal(await begin(undefined), 'challenge', 'nothing yet')
  t.equal(await begin('=', 'ANONYMOUS'), 'success')
  t.equal(await begin(undefined, 'ANONYMOUS'), 'success')
  t.equal(await begin('A'.repeat(8192)), 'malformed-request')
  t.equal(await begin('!'.repeat(8193)), 'malformed-request', 'not even looked at')
})

t.test('a whole login, with the data of the first message sent late', async (t) => {
  const logins = await negotiator()
  const client = new ScramClient(juliet)
  t.same(logins.begin('SCRAM-SHA-1', undefined), { kind: 'challenge', data: '' })
  const challenge = logins.respond(encode(client.first()))
  if (challenge instanceof Promise || challenge.kind !== 'challenge') throw new Error('no challenge')
  const final = encode(client.final(Buffer.from(challenge.data, 'base64')))
  t.same(logins.respond(final), {
    kind: 'success',
    identity: { username: 'juliet' },
    mechanism: 'SCRAM-SHA-1',
    data: encode(client.expected),
  })
  t.equal(
    conditionOf(() => logins.respond(final)),
    'malformed-request',
  )
  t.equal(
    conditionOf(() => logins.begin('PLAIN', encode('\0juliet\0R0m30'))),
    'not-authorized',
    'once is enough',
  )
  t.end()
})

t.test('five failures of any kind, and it is over', async (t) => {
  const wrong = encode('\0juliet\0wrong')
  const ways: [string, (logins: SaslNegotiator) => Promise<unknown>][] = [
    ['wrong password', (logins) => outcome(() => logins.begin('PLAIN', wrong))],
    ['unknown user', (logins) => outcome(() => logins.begin('PLAIN', encode('\0romeo\0x')))],
    ['no such mechanism', (logins) => outcome(() => logins.begin('X', undefined))],
    ['bad base64', (logins) => outcome(() => logins.begin('PLAIN', '*'))],
    ['a response to nothing', (logins) => outcome(() => logins.respond('='))],
    [
      'two at a time',
      async (logins) => {
        await logins.begin('SCRAM-SHA-1', undefined)
        await outcome(() => logins.begin('SCRAM-SHA-1', undefined))
      },
    ],
    [
      'asking and giving up',
      async (logins) => {
        await logins.begin('SCRAM-SHA-1', encode('n,,n=juliet,r=abc'))
        t.equal(logins.abort().condition, 'aborted')
      },
    ],
  ]
  for (const [name, fail] of ways) {
    const logins = await negotiator()
    for (let i = 0; i < 5; i++) {
      t.notOk(logins.exhausted, name)
      await fail(logins)
    }
    t.ok(logins.exhausted, name)
    t.equal(await outcome(() => logins.begin('PLAIN', encode('\0juliet\0R0m30'))), 'not-authorized', name)
  }
})

t.test('an answer that comes late logs nobody in', async (t) => {
  const waiting: ((step: Step) => void)[] = []
  const slow: Mechanism = {
    name: 'SLOW',
    strength: 1,
    needs: [],
    start: (): Dialogue => ({ step: () => new Promise((resolve) => waiting.push(resolve)) }),
  }
  const success: Step = { kind: 'success', identity: { username: 'juliet' }, mechanism: 'SLOW' }

  const aborted = await negotiator({}, [slow])
  const first = outcome(() => aborted.begin('SLOW', undefined))
  aborted.abort()
  const second = outcome(() => aborted.begin('SLOW', undefined))
  waiting[0]?.(success)
  t.equal(await first, 'aborted')
  waiting[1]?.(success)
  t.equal(await second, 'success', 'the next is another matter')

  const hasty = await negotiator({}, [slow])
  const pending = outcome(() => hasty.begin('SLOW', undefined))
  t.equal(await outcome(() => hasty.respond('=')), 'malformed-request', 'not your turn')
  waiting[2]?.(success)
  t.equal(await pending, 'aborted')
})

t.test('a fault of ours is thrown as it is, counts, and leaves nothing behind', async (t) => {
  const down = (): Promise<undefined> => Promise.reject(new Error('storage is down'))
  const broken = (): undefined => {
    throw new Error('storage is down')
  }
  for (const lookup of [down, broken]) {
    const logins = await negotiator({ lookup })
    for (let i = 0; i < 5; i++) {
      const login = Promise.try(() => logins.begin('SCRAM-SHA-1', encode('n,,n=juliet,r=abc')))
      await t.rejects(login, { message: 'storage is down' })
      t.equal(logins.exhausted, i === 4)
    }
  }
})

t.test('whatever is said in whatever order, only the secret lets anyone in', async (t) => {
  t.comment(`seed ${seed}`)
  const { accounts, environment } = await world()
  const flip = fc.record({ at: fc.nat({ max: 200 }), mask: fc.integer({ min: 1, max: 255 }) })
  const mutation = fc.oneof({ weight: 3, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: flip })
  const user = fc.constantFrom('juliet', 'juliet', 'juliet', 'romeo', 'tybalt')
  const password = fc.constantFrom('R0m30', 'R0m30', 'wrong')
  const action = fc.oneof(
    { weight: 4, arbitrary: fc.record({ do: fc.constant('scram' as const), user, password, mutation }) },
    { weight: 4, arbitrary: fc.record({ do: fc.constant('final' as const), mutation }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('plain' as const), user, password, mutation }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('bytes' as const), bytes: fc.uint8Array() }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('replay' as const, 'abort' as const) }) },
  )
  const mutate = (data: Buffer, by: { at: number; mask: number } | null): Buffer => {
    const changed = Buffer.from(data)
    if (by !== null) changed[by.at % data.length] = changed.readUInt8(by.at % data.length) ^ by.mask
    return changed
  }
  const isRight = (message: Buffer): boolean => /^(juliet@verona\.example)?\0juliet\0R0m30$/i.test(message.toString())
  let admitted = 0

  const property = fc.asyncProperty(fc.array(action, { maxLength: 12 }), fc.boolean(), async (actions, isLate) => {
    const lookup: SaslEnvironment['lookup'] = (name) =>
      isLate ? Promise.resolve(accounts.get(name)) : accounts.get(name)
    const logins = new SaslNegotiator(all, { ...environment, lookup })
    // What the model knows: the login under way, whether its client is honest, and the last message it made.
    let login: { client: ScramClient; isHonest: boolean; challenge: Buffer | undefined } | undefined
    let lastFinal: Buffer = Buffer.from('c=biws,r=x,p=AAAA')
    let failures = 0
    let isIn = false

    for (const step of actions) {
      const isOpen = !isIn && failures < 5
      let mayPass = false
      let mustPass = false
      const run = (): Outcome | Promise<Outcome> => {
        if (step.do === 'scram') {
          const client = new ScramClient({ ...juliet, username: step.user, password: step.password })
          const isKnown = step.user === 'juliet' && step.password === 'R0m30' && step.mutation === null
          const isFirst = login === undefined && isOpen
          login = isFirst ? { client, isHonest: isKnown, challenge: undefined } : undefined
          return logins.begin('SCRAM-SHA-1', encode(mutate(client.first(), step.mutation)))
        }
        if (step.do === 'plain') {
          const message = mutate(Buffer.from(`\0${step.user}\0${step.password}`), step.mutation)
          mayPass = login === undefined && isOpen && isRight(message)
          // A changed letter may be the same name, prepared; then it may pass, and need not.
          mustPass = mayPass && step.mutation === null
          login = undefined
          return logins.begin('PLAIN', encode(message))
        }
        if (step.do === 'final' && login?.challenge !== undefined) {
          lastFinal = mutate(login.client.final(login.challenge), step.mutation)
          mayPass = mustPass = login.isHonest && step.mutation === null
          login = undefined
          return logins.respond(encode(lastFinal))
        }
        login = undefined
        if (step.do === 'abort') throw logins.abort()
        return logins.respond(encode(step.do === 'bytes' ? Buffer.from(step.bytes) : lastFinal))
      }
      try {
        const result = await run()
        if (result.kind === 'challenge' && login !== undefined) login.challenge = Buffer.from(result.data, 'base64')
        if (result.kind === 'success') {
          if (!mayPass || isIn || result.identity.username !== 'juliet') return false
          isIn = true
          admitted++
        }
      } catch (error) {
        if (!(error instanceof SaslFailure) || mustPass) return false
        failures++
        login = undefined
      }
      if (logins.exhausted !== failures >= 5) return false
    }
    return true
  })
  await fc.assert(property, { seed, numRuns: 300 })
  t.ok(admitted > 20, `${admitted} were let in`)
})
