import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'
import fc from 'fast-check'
import t from 'tap'
import {
  fakeCredentials,
  hasPassword,
  makeCredentials,
  verifyPassword,
  type StoredCredentials,
} from '../../../server/auth/credentials.ts'
import { digest, hashFunctions, hmac, type HashName } from '../../../server/auth/digest.ts'
import { MalformedPassword, preparePassword } from '../../../server/auth/password.ts'
import { HashingBusy, KeyDerivationQueue } from '../../../server/auth/pbkdf2.ts'
import { SystemRandom } from '../../../server/util/random.ts'
import { CountingPbkdf2 } from './sasl/world.ts'

const HASHES: readonly HashName[] = ['sha-1', 'sha-256', 'sha-512']
const random = new SystemRandom()
const pbkdf2 = new KeyDerivationQueue()
const make = (password: string): Promise<StoredCredentials> =>
  makeCredentials(password, { pbkdf2, random, iterations: 16 })

t.test('hmac and digest are what Node makes of any key and text', (t) => {
  fc.assert(
    fc.property(
      fc.constantFrom(...HASHES),
      fc.uint8Array({ maxLength: 300 }),
      fc.string({ unit: 'grapheme', maxLength: 300 }),
      (hash, bytes, text) => {
        const key = Buffer.from(bytes)
        const { openssl } = hashFunctions[hash]
        const isHmac = hmac(hash, key, text).equals(createHmac(openssl, key).update(text).digest())
        return isHmac && digest(hash, key).equals(createHash(openssl).update(key).digest())
      },
    ),
  )
  t.end()
})

t.test('makes keys for each hash, as RFC 5802 has them', async (t) => {
  const credentials = await makeCredentials('pencil', { pbkdf2, random })
  const salts = new Set<string>()
  for (const hash of HASHES) {
    const keys = credentials[hash]
    if (keys === undefined) throw new Error(`no keys for ${hash}`)
    const { openssl, bytes } = hashFunctions[hash]
    const salt = Buffer.from(keys.salt, 'base64')
    const salted = pbkdf2Sync('pencil', salt, 10_000, bytes, openssl)
    const clientKey = createHmac(openssl, salted).update('Client Key').digest()
    t.equal(salt.length, 16)
    t.equal(keys.iterations, 10_000)
    t.equal(keys.storedKey, createHash(openssl).update(clientKey).digest('base64'))
    t.equal(keys.serverKey, createHmac(openssl, salted).update('Server Key').digest('base64'))
    salts.add(keys.salt)
  }
  t.equal(salts.size, 3, 'each with a salt of its own')
  t.same(JSON.parse(JSON.stringify(credentials)), credentials, 'as JSON')
  t.same(Object.keys(await makeCredentials('x', { pbkdf2, random, hashes: ['sha-256'] })), ['sha-256'])
})

t.test('verifies a password with whichever hash there is', async (t) => {
  const all = await make('pencil')
  const { 'sha-1': sha1, 'sha-512': sha512 } = all
  const some: StoredCredentials[] = [all, { 'sha-1': sha1! }, { 'sha-512': sha512! }]
  for (const credentials of some) {
    t.ok(await verifyPassword(credentials, 'pencil', pbkdf2))
    t.notOk(await verifyPassword(credentials, 'Pencil', pbkdf2))
    t.notOk(await verifyPassword(credentials, 'pencil\0', pbkdf2), 'malformed')
    t.notOk(await verifyPassword(credentials, '', pbkdf2), 'empty')
    t.ok(hasPassword(credentials))
  }
  t.notOk(await verifyPassword({}, 'pencil', pbkdf2))
  t.notOk(hasPassword({}))
})

t.test('a damaged key is an error, not a wrong password', async (t) => {
  const credentials = await make('pencil')
  const keys = { ...credentials['sha-256']!, storedKey: 'AAAA' }
  await t.rejects(verifyPassword({ 'sha-256': keys }, 'pencil', pbkdf2), /damaged/)
})

t.test('passwords are prepared, and refused if no one could type them again', async (t) => {
  const cases: [string, string | undefined][] = [
    ['pencil', 'pencil'],
    [' a b ', ' a b '],
    ['a\u00a0b', 'a b'],
    ['I\u00adX', 'IX'],
    ['\u00aa', 'a'],
    ['\u2168', 'IX'],
    ['Gr\u00fcn', 'Gr\u00fcn'],
    ['Gru\u0308n', 'Gr\u00fcn'],
    ['密码', '密码'],
    ['', undefined],
    ['\u00ad', undefined],
    ['a\tb', undefined],
    ['a\0b', undefined],
    ['a\u007fb', undefined],
    ['ü\u0007', undefined],
    ['\ud800', undefined],
    ['\u0627\u0031', undefined],
    ['\u{1f980}', undefined],
    ['x'.repeat(1024), 'x'.repeat(1024)],
    ['x'.repeat(1025), undefined],
  ]
  for (const [password, prepared] of cases) {
    const result = Promise.try(() => preparePassword(password))
    if (prepared === undefined) await t.rejects(result, MalformedPassword, JSON.stringify(password.slice(0, 9)))
    else t.equal(await result, prepared)
  }
  t.equal(preparePassword('pencil'), 'pencil', 'at once for ASCII')
  t.ok(await verifyPassword(await make('Gru\u0308n'), 'Gr\u00fcn', pbkdf2), 'however it was composed')
  await t.rejects(make('a\0b'), MalformedPassword)
})

t.test('users who do not exist have keys that stay and that nothing fits', async (t) => {
  const secret = Buffer.alloc(32, 7)
  const names = ['romeo@verona.example', '__proto__@verona.example', 'constructor', 'ü', '', 'x'.repeat(3000)]
  const seen = new Set<string>()
  for (const hash of HASHES) {
    const real = (await makeCredentials('x', { pbkdf2, random }))[hash]!
    for (const name of names) {
      const fake = fakeCredentials(secret, name, hash)
      t.same(fakeCredentials(secret, name, hash), fake)
      t.equal(fake.iterations, real.iterations)
      for (const key of ['salt', 'storedKey', 'serverKey'] as const) t.equal(fake[key].length, real[key].length)
      t.notOk(seen.has(fake.salt))
      seen.add(fake.salt)
      t.not(fakeCredentials(Buffer.alloc(32, 8), name, hash).salt, fake.salt)
    }
  }
  t.notOk(await verifyPassword({ 'sha-1': fakeCredentials(secret, 'romeo', 'sha-1') }, 'x', pbkdf2))
})

t.test('every password costs one PBKDF2 of the same kind', async (t) => {
  const counting = new CountingPbkdf2()
  const real = await makeCredentials('pencil', { pbkdf2, random })
  const fake = { 'sha-256': fakeCredentials(Buffer.alloc(32), 'nobody', 'sha-256') }
  for (const credentials of [real, fake]) {
    for (const password of ['pencil', 'wrong']) await verifyPassword(credentials, password, counting)
  }
  t.same(counting.calls, Array(4).fill('sha-256 10000'))
})

t.test('hashes so many at once, lets so many wait, and refuses the rest', async (t) => {
  const narrow = new KeyDerivationQueue({ jobs: 1, waiting: 2 })
  const derive = (): Promise<Buffer> => narrow.derive('password', Buffer.from('salt'), 4096, 'sha-1')
  // Twice, since a place must be handed on once and given back once.
  for (const round of ['first', 'second']) {
    const order: number[] = []
    const accepted = [1, 2, 3].map(async (number) => {
      const key = await derive()
      order.push(number)
      return key.toString('hex')
    })
    await t.rejects(derive(), HashingBusy, round)
    const keys = await Promise.all(accepted)
    t.same(order, [1, 2, 3], 'in the order they came')
    t.same(keys, Array(3).fill('4b007901b765489abead49d926f721d065a429c1'), 'RFC 6070')
  }
  await t.rejects(narrow.derive('pencil', Buffer.from('salt'), 0, 'sha-1'), 'an error gives its place back')
  await t.resolves(derive())
})
