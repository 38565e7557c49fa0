import t from 'tap'
import { KeyDerivationQueue } from '../../../../server/auth/pbkdf2.ts'
import { anonymous } from '../../../../server/auth/sasl/anonymous.ts'
import { certifiedNodes, external } from '../../../../server/auth/sasl/external.ts'
import type { AccountRecord, Mechanism, SaslContext } from '../../../../server/auth/sasl/mechanism.ts'
import { plain } from '../../../../server/auth/sasl/plain.ts'
import { decodeBase64, decodeUtf8 } from '../../../../server/auth/sasl/text.ts'
import { makeCertificate, xmppAddr } from './make-certificate.ts'
import { HOST, verdict, world } from './world.ts'

const say = (mechanism: Mechanism, context: SaslContext, text: string | Buffer): Promise<string> =>
  verdict(() => mechanism.start(context).step(Buffer.from(text)))

t.test('PLAIN lets in who knows the password, as nobody but oneself', async (t) => {
  const { context } = await world()
  const cases: [string, string][] = [
    ['\0juliet\0R0m30', 'success juliet'],
    ['\0JULIET\0R0m30', 'success juliet'],
    [`juliet@${HOST}\0juliet\0R0m30`, 'success juliet'],
    [`Juliet@${HOST.toUpperCase()}\0juliet\0R0m30`, 'success juliet'],
    [`romeo@${HOST}\0juliet\0R0m30`, 'invalid-authzid'],
    [`juliet@mantua.example\0juliet\0R0m30`, 'invalid-authzid'],
    [`juliet@${HOST}/balcony\0juliet\0R0m30`, 'invalid-authzid'],
    ['juliet\0juliet\0R0m30', 'invalid-authzid'],
    ['admin\0juliet\0R0m30', 'invalid-authzid'],
    [`${HOST}\0juliet\0R0m30`, 'invalid-authzid'],
    [' \0juliet\0R0m30', 'invalid-authzid'],
    ['\0juliet\0r0m30', 'not-authorized'],
    ['\0juliet\0R0m30 ', 'not-authorized'],
    ['\0juliet\0R0m3\u0007', 'not-authorized'],
    [`\0juliet@${HOST}\0R0m30`, 'not-authorized'],
    [`\0juliet@${HOST}/x\0R0m30`, 'not-authorized'],
    ['\0juliet/x\0R0m30', 'not-authorized'],
    ['\0romeo\0R0m30', 'not-authorized'],
    ['\0__proto__\0R0m30', 'not-authorized'],
    ['\0constructor\0R0m30', 'not-authorized'],
    ['\0rosaline\0R0m30', 'not-authorized'],
    ['\0tybalt\0R0m30', 'account-disabled'],
    ['\0tybalt\0wrong', 'not-authorized'],
    ['', 'malformed-request'],
    ['\0', 'malformed-request'],
    ['juliet', 'malformed-request'],
    ['juliet\0R0m30', 'malformed-request'],
    ['\0juliet\0', 'malformed-request'],
    ['\0\0R0m30', 'malformed-request'],
    ['\0juliet\0R0m30\0', 'malformed-request'],
    ['\0juliet\0R0m\x0030', 'malformed-request'],
    [`\0juliet\0${'x'.repeat(2000)}`, 'not-authorized'],
  ]
  for (const [message, expected] of cases)
    t.equal(await say(plain, context, message), expected, JSON.stringify(message))
  const notUtf8 = Buffer.concat([Buffer.from('\0juliet\0'), Buffer.from([0xc0, 0xaf])])
  t.equal(await say(plain, context, notUtf8), 'malformed-request')
  t.equal(await verdict(() => plain.start(context).step(undefined)), 'challenge', 'the client speaks first')
  t.same(plain.needs, ['secure'])

  const asked = await plain.start(context).step(Buffer.from(`juliet@${HOST}\0juliet\0R0m30`))
  const identity = { username: 'juliet', authzid: `juliet@${HOST}` }
  t.same(asked, { kind: 'success', identity, mechanism: 'PLAIN' })
})

t.test('PLAIN takes the same way for everybody', async (t) => {
  const { context, pbkdf2 } = await world()
  const ways = new Map<string, string[]>()
  for (const [user, password] of [
    ['juliet', 'R0m30'],
    ['juliet', 'wrong'],
    ['romeo', 'wrong'],
    ['rosaline', 'wrong'],
    ['tybalt', 'R0m30'],
    ['tybalt', 'wrong'],
    ['a b', 'wrong'],
    ['__proto__', 'wrong'],
  ]) {
    pbkdf2.calls.length = 0
    await say(plain, context, `\0${user}\0${password}`)
    ways.set(`${user} ${password}`, [...pbkdf2.calls])
  }
  for (const [who, calls] of ways) t.same(calls, ['sha-256 10000'], who)

  const busy = new KeyDerivationQueue({ jobs: 0, waiting: 0 })
  t.equal(await say(plain, { ...context, pbkdf2: busy }, '\0juliet\0R0m30'), 'temporary-auth-failure')
  t.equal(await say(plain, { ...context, pbkdf2: busy }, '\0romeo\0R0m30'), 'temporary-auth-failure')
  const down: SaslContext = { ...context, lookup: () => Promise.reject(new Error('storage is down')) }
  await t.rejects(say(plain, down, '\0juliet\0R0m30'), { message: 'storage is down' })
})

t.test('EXTERNAL lets in whom the certificate names (XEP-0178 §2)', async (t) => {
  const certified = async (addresses: string[], authzid: string): Promise<string> => {
    const { context } = await world({ peerCertificate: makeCertificate(addresses.map(xmppAddr)).der })
    return say(external, context, authzid)
  }
  const juliet = `juliet@${HOST}`
  const tybalt = `tybalt@${HOST}`
  const elsewhere = 'juliet@mantua.example'
  const cases: [string[], string, string][] = [
    [[juliet], '', 'success juliet'],
    [[juliet.toUpperCase()], '', 'success juliet'],
    [[juliet], juliet, 'success juliet'],
    [[juliet], juliet.toUpperCase(), 'success juliet'],
    [[juliet, juliet.toUpperCase()], '', 'success juliet'],
    [[juliet, elsewhere], '', 'success juliet'],
    [[juliet, tybalt], juliet, 'success juliet'],
    [[juliet, tybalt], '', 'invalid-authzid'],
    [[juliet, tybalt], `rosaline@${HOST}`, 'invalid-authzid'],
    [[juliet], `rosaline@${HOST}`, 'invalid-authzid'],
    [[juliet], elsewhere, 'invalid-authzid'],
    [[juliet], `${juliet}/balcony`, 'invalid-authzid'],
    [[juliet], 'juliet', 'invalid-authzid'],
    [[juliet], `${juliet}\0`, 'invalid-authzid'],
    [[tybalt], '', 'account-disabled'],
    [[`romeo@${HOST}`], '', 'not-authorized'],
    [[elsewhere], '', 'not-authorized'],
    [[elsewhere], juliet, 'not-authorized'],
    [[`${juliet}\0.evil.example`], '', 'not-authorized'],
    [[`${juliet}/balcony`], '', 'not-authorized'],
    [[HOST], '', 'not-authorized'],
    [[''], '', 'not-authorized'],
    [[], juliet, 'not-authorized'],
    [[`rosaline@${HOST}`], '', 'success rosaline'],
  ]
  for (const [addresses, authzid, expected] of cases) {
    t.equal(await certified(addresses, authzid), expected, `${addresses.join()} as ${JSON.stringify(authzid)}`)
  }

  const { context, environment } = await world({ peerCertificate: makeCertificate([xmppAddr(juliet)]).der })
  t.same(certifiedNodes(environment), ['juliet'])
  t.equal(await verdict(() => external.start(context).step(undefined)), 'challenge')
  t.equal(await say(external, context, Buffer.from([0xff])), 'malformed-request')
  const record: AccountRecord = { credentials: {} }
  const late: SaslContext = { ...context, lookup: async () => record }
  t.equal(await say(external, late, ''), 'success juliet')
  const { context: without } = await world()
  t.equal(await say(external, without, juliet), 'not-authorized', 'no certificate')
})

t.test('ANONYMOUS gives everybody an address of their own', async (t) => {
  const { context } = await world()
  const names = new Set<string>()
  for (const trace of [undefined, '', 'sirhc', 'x'.repeat(1020)]) {
    const result = await anonymous.start(context).step(trace === undefined ? undefined : Buffer.from(trace))
    if (result.kind !== 'success') throw new Error('not at once')
    t.match(result.identity.username, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    names.add(result.identity.username)
  }
  t.equal(names.size, 4)
  t.equal(await say(anonymous, context, 'x'.repeat(1021)), 'malformed-request')
})

t.test('base64 and UTF-8 are read only if they were written well', (t) => {
  for (const text of ['', 'AA==', 'AAA=', 'AAAA', '+/8=']) t.equal(decodeBase64(text)?.toString('base64'), text)
  for (const text of [
    '=',
    '==',
    'A',
    'AA',
    'AA=',
    'AAA',
    'AB==',
    'AAB=',
    'A===',
    '=AAA',
    'AA==AA==',
    'A A=',
    'AAAA\n',
  ]) {
    t.equal(decodeBase64(text), undefined, JSON.stringify(text))
  }
  for (const text of [' AAAA', '-_8=', 'AA==\0', 'AAAé', '\u{1f980}']) {
    t.equal(decodeBase64(text), undefined, JSON.stringify(text))
  }
  t.equal(decodeUtf8(Buffer.from('\ufeffä\0\u{1f980}')), '\ufeffä\0\u{1f980}')
  for (const hex of ['ff', 'c0af', 'eda080', 'f4908080', 'e282', '80']) {
    t.equal(decodeUtf8(Buffer.from(hex, 'hex')), undefined, hex)
  }
  t.end()
})
