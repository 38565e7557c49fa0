import { inspect } from 'node:util'
import { join } from 'node:path'
import fc from 'fast-check'
import t from 'tap'
import { formatListenAddress, type ListenAddress } from '../../../server/config/listen-address.ts'
import { nearest } from '../../../server/config/nearest.ts'
import { ConfigError } from '../../../server/config/report.ts'
import { Secret } from '../../../server/config/secret.ts'
import { type Option, t as type } from '../../../server/config/types.ts'
import {
  formatDuration,
  formatRate,
  formatSize,
  parseDuration,
  parseRate,
  parseSize,
  WEEK,
} from '../../../server/config/units.ts'
import { optionsOf } from './given.ts'

t.test('durations in words', async (t) => {
  const words: readonly (readonly [string, number])[] = [
    ['1 week', 604_800],
    ['10 minutes', 600],
    ['90 minutes', 5400],
    ['1 year', 31_536_000],
    ['1 second', 1],
    ['0 seconds', 0],
    ['0.5 seconds', 0.5],
    ['never', Infinity],
  ]
  for (const [text, seconds] of words) {
    t.equal(parseDuration(text), seconds, text)
    t.equal(formatDuration(seconds), text, text)
  }
  t.equal(parseDuration('1 hour 30 minutes'), 5400)
  t.equal(parseDuration('1h30min'), 5400)
  t.equal(parseDuration(' 2 Days '), 172_800)
  for (const wrong of ['', '10', 'minutes', '10 parsecs', '10 minutes ago', '-1 day', '1 day 2', '1e3 s']) {
    t.equal(parseDuration(wrong), undefined, wrong)
  }
})

t.test('sizes and rates in words', async (t) => {
  const words: readonly (readonly [string, number])[] = [
    ['256 KiB', 262_144],
    ['64 KB', 64_000],
    ['10 MiB', 10_485_760],
    ['1 byte', 1],
    ['0 bytes', 0],
    ['1023 bytes', 1023],
  ]
  for (const [text, bytes] of words) {
    t.equal(parseSize(text), bytes, text)
    t.equal(formatSize(bytes), text, text)
    t.equal(parseRate(`${text}/s`), bytes, text)
    t.equal(formatRate(bytes), `${text}/s`, text)
  }
  t.equal(parseSize('1.5 kib'), 1536)
  t.equal(formatRate(Infinity), 'unlimited')
  for (const wrong of ['', '10', '10 miles', 'MiB', '-1 KB', '1 KB/s']) t.equal(parseSize(wrong), undefined, wrong)
  for (const wrong of ['1 KB', '1 KB/minute', '/s']) t.equal(parseRate(wrong), undefined, wrong)
})

t.test('what is formatted is read again as the same', async (t) => {
  const durations = fc.property(fc.nat(), (seconds) => parseDuration(formatDuration(seconds)) === seconds)
  t.doesNotThrow(() => fc.assert(durations))
  const sizes = fc.property(fc.maxSafeNat(), (bytes) => parseSize(formatSize(bytes)) === bytes)
  t.doesNotThrow(() => fc.assert(sizes))
})

/** What each type makes of what is written, and what it says when that is wrong. */
const readings: readonly {
  readonly of: Option<unknown>
  readonly right: readonly (readonly [written: unknown, value: unknown])[]
  readonly wrong: readonly (readonly [written: unknown, problem: string])[]
}[] = [
  { of: type.boolean(), right: [[true, true]], wrong: [['yes', 'expected true or false, not "yes"']] },
  { of: type.string(), right: [['5', '5']], wrong: [[5, 'expected text, not 5; put it in quotes']] },
  {
    of: type.integer({ min: 1 }),
    right: [[5, 5]],
    wrong: [
      [0, 'expected a whole number, 1 or more, not 0'],
      [1.5, 'expected a whole number, 1 or more, not 1.5'],
      ['lots', 'expected a whole number, 1 or more, not "lots"'],
      [undefined, 'expected a whole number, 1 or more, not nothing'],
    ],
  },
  { of: type.integer({ max: 9 }), right: [[0, 0]], wrong: [[10, 'expected a whole number, 0 to 9, not 10']] },
  { of: type.port(), right: [[0, 0]], wrong: [[70_000, 'expected a whole number, 0 to 65535, not 70000']] },
  {
    of: type.oneOf('always', 'never'),
    right: [['never', 'never']],
    wrong: [['no', 'expected one of always, never, not "no"']],
  },
  {
    of: type.duration({ min: 1, max: 60 }),
    right: [['1 minute', 60]],
    wrong: [
      ['never', 'expected a duration such as "10 minutes", 1 second to 1 minute, not "never"'],
      [10, 'expected a duration such as "10 minutes", 1 second to 1 minute, not 10'],
    ],
  },
  {
    of: type.duration(),
    right: [['never', Infinity]],
    wrong: [['soon', 'expected a duration such as "10 minutes", or "never", not "soon"']],
  },
  {
    of: type.size({ max: 2_097_152 }),
    right: [
      [512, 512],
      ['512', 512],
      ['1 MiB', 1_048_576],
    ],
    wrong: [['3 MiB', 'expected a size such as "10 MiB", 0 bytes to 2 MiB, not "3 MiB"']],
  },
  {
    of: type.rate(),
    right: [
      ['1 KiB/s', 1024],
      ['unlimited', Infinity],
    ],
    wrong: [['0 KB/s', 'expected a rate such as "64 KB/s", or "unlimited", not "0 KB/s"']],
  },
  {
    of: type.domain(),
    right: [['Verona.example', 'verona.example']],
    wrong: [['romeo@verona.example', 'expected a domain such as verona.example, not "romeo@verona.example"']],
  },
  {
    of: type.url(),
    right: [['https://x/', 'https://x/']],
    wrong: [['ftp://x', 'expected a URL such as https://chat.verona.example/, not "ftp://x"']],
  },
  {
    of: type.list(type.integer()),
    right: [
      [
        [1, 2],
        [1, 2],
      ],
    ],
    wrong: [
      [1, 'expected a list, not 1; write [1]'],
      [[1, 'x'], 'expected a whole number, not "x"'],
      [{ a: 1 }, 'expected a list, not a section'],
    ],
  },
  {
    of: type.map(type.size()),
    right: [[{ a: '1 KB', constructor: 2 }, new Map(Object.entries({ a: 1000, constructor: 2 }))]],
    wrong: [[[], 'expected a section, not a list']],
  },
]

function problemWith(of: Option<unknown>, written: unknown): string | undefined {
  try {
    optionsOf({ it: of }, { it: written })
    return undefined
  } catch (error) {
    return error instanceof ConfigError ? error.problems[0]?.message : String(error)
  }
}

t.test('each type takes what it expects, and says so of all else', async (t) => {
  for (const { of, right, wrong } of readings) {
    for (const [written, value] of right) t.strictSame(optionsOf({ it: of }, { it: written }), { it: value })
    for (const [written, problem] of wrong) t.equal(problemWith(of, written), `it: ${problem}`)
  }
})

t.test('addresses to listen on', async (t) => {
  const right: readonly (readonly [written: string | number, address: ListenAddress])[] = [
    [5222, { host: undefined, port: 5222 }],
    ['127.0.0.1:0', { host: '127.0.0.1', port: 0 }],
    ['localhost:5222', { host: 'localhost', port: 5222 }],
    ['[::1]:5222', { host: '::1', port: 5222 }],
    ['unix:/run/x', { path: '/run/x' }],
  ]
  for (const [written, address] of right) {
    t.strictSame(optionsOf({ it: type.address() }, { it: written }), { it: address })
    t.equal(formatListenAddress(address), String(written))
  }
  t.same(optionsOf({ it: type.address() }, { it: 'unix:x' }), { it: { path: join(process.cwd(), 'x') } })
  for (const wrong of [
    '',
    ':5222',
    '::1:5222',
    '[::1',
    '[x]:1',
    '127.0.0:1',
    '300.0.0.1:1',
    'unix:',
    '65536',
    'a b:1',
  ]) {
    t.ok(problemWith(type.address(), wrong), wrong)
  }
})

t.test('JIDs', async (t) => {
  const { it } = optionsOf({ it: type.jid() }, { it: 'Juliet@Verona.example' })
  t.equal(it.full, 'juliet@verona.example')
  for (const wrong of ['', 'verona.example', 'juliet@verona.example/balcony', '@', 'a@b@c']) {
    t.ok(problemWith(type.jid(), wrong), wrong)
  }
})

t.test('a secret shows itself to nobody who does not ask', async (t) => {
  const { key } = optionsOf({ key: type.secret() }, { key: 'tybalt' })
  t.equal(key.reveal(), 'tybalt')
  for (const shown of [key.toString(), JSON.stringify({ key }), inspect({ key }, { showHidden: true })]) {
    t.notMatch(shown, /tybalt/)
    t.match(shown, /\(secret\)/)
  }
  t.ok(key.equals(new Secret('tybalt')))
  t.notOk(key.equals(new Secret('tybald')))
})

t.test('what is declared is what TypeScript knows', async (t) => {
  const options = optionsOf({
    expire_after: type.duration().default(WEEK).describe('How long.'),
    policy: type.oneOf('always', 'never').describe('What.').default('always'),
    limit: type.integer().optional(),
    limits: type.object({ rooms: type.integer().default(3), names: type.list(type.string()).default([]) }),
    users: type.map(type.size()).default(new Map()),
  })
  const seconds: number = options.expire_after
  const policy: 'always' | 'never' = options.policy
  const limit: number | undefined = options.limit
  const names: readonly string[] = options.limits.names
  const users: ReadonlyMap<string, number> = options.users
  t.strictSame(
    [seconds, policy, limit, names, users, options.limits.rooms],
    [WEEK, 'always', undefined, [], new Map(), 3],
  )
  // @ts-expect-error no such option
  t.equal(options.expires, undefined)
  // @ts-expect-error not a default of this type
  type.duration().default('1 week')
})

t.test('options given in code are checked like those of a file', async (t) => {
  const fields = { limits: type.object({ rooms: type.integer({ min: 1 }) }), url: type.url() }
  t.throws(() => optionsOf(fields, { limits: { room: 1 } }), ConfigError)
  t.throws(() => optionsOf(fields, { limits: { room: 1 } }), {
    message:
      'given:1:1: missing option rooms: expected a whole number, 1 or more\n' +
      'given:1:1: unknown option room; did you mean rooms?\n' +
      'given:1:1: missing option url: expected a URL such as https://chat.verona.example/',
  })
})

t.test('the nearest name', async (t) => {
  const known = ['invites_only', 'mam', 'muc', 'ping', 'expire_after']
  const near: Readonly<Record<string, string | undefined>> = {
    invite_only: 'invites_only',
    mma: 'mam',
    Ping: 'ping',
    expireafter: 'expire_after',
    carbons: undefined,
    xyz: undefined,
  }
  for (const [name, expected] of Object.entries(near)) t.equal(nearest(name, known), expected, name)
})
