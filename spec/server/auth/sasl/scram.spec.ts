import { createHash } from 'node:crypto'
import t from 'tap'
import { makeCredentials } from '../../../../server/auth/credentials.ts'
import type { HashName } from '../../../../server/auth/digest.ts'
import type { SaslContext, SaslEnvironment } from '../../../../server/auth/sasl/mechanism.ts'
import { offerHash, scram } from '../../../../server/auth/sasl/scram.ts'
import type { Random } from '../../../../server/util/random.ts'
import { attributes, ScramClient, type ScramClientOptions } from './scram-client.ts'
import { challengeOf, CountingPbkdf2, HOST, malformed, scramNamed, seededRandom, verdict, world } from './world.ts'

const juliet = { username: 'juliet', password: 'R0m30', hash: 'sha1' } as const
const opensslOf = { 'SHA-1': 'sha1', 'SHA-256': 'sha256', 'SHA-512': 'sha512' } as const

/** What a whole login comes to. `change` sees every message of the client before the server does. */
async function login(
  context: SaslContext,
  options: ScramClientOptions,
  name = 'SCRAM-SHA-1',
  change: (message: Buffer, number: 1 | 2) => Buffer = (message) => message,
): Promise<string> {
  const client = new ScramClient(options)
  const dialogue = scramNamed(name).start(context)
  return verdict(async () => {
    const first = await dialogue.step(change(client.first(), 1))
    if (first.kind !== 'challenge') throw new Error('too early')
    const last = await dialogue.step(change(client.final(first.data), 2))
    if (last.kind === 'success' && last.data?.toString() !== client.expected)
      throw new Error('the server proves nothing')
    return last
  })
}

t.test('the examples of RFC 5802 and RFC 7677, to the byte', async (t) => {
  const vectors = [
    {
      name: 'SCRAM-SHA-1',
      hash: 'sha-1' as HashName,
      first: 'n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL',
      nonce: '3rfcNHYJY1ZVvWVs7j',
      salt: 'QSXCR+Q6sek8bf92',
      final: 'c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=',
      success: 'v=rmF9pqV8S7suAoZWja4dJRkFsKQ=',
    },
    {
      name: 'SCRAM-SHA-256',
      hash: 'sha-256' as HashName,
      first: 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO',
      nonce: '%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0',
      salt: 'W22ZaJ0SNY7soEsUEjb6gQ==',
      final:
        'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
      success: 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
    },
  ]
  for (const { name, hash, first, nonce, salt, final, success } of vectors) {
    // The nonces of the examples are no base64; what is asked for is a Buffer that reads like them.
    const said = (text: string): Random => ({
      bytes: () => Object.assign(Buffer.alloc(0), { toString: () => text }),
      id: () => text,
    })
    const salted = { bytes: () => Buffer.from(salt, 'base64'), id: () => '' }
    const credentials = await makeCredentials('pencil', {
      pbkdf2: new CountingPbkdf2(),
      random: salted,
      iterations: 4096,
      hashes: [hash],
    })
    const { context } = await world({
      lookup: (user) => (user === 'user' ? { credentials } : undefined),
      random: said(nonce),
      downgradeProtection: false,
    })
    const dialogue = scramNamed(name).start(context)
    const clientNonce = first.split('r=')[1] ?? ''
    t.equal(challengeOf(dialogue, Buffer.from(first)).toString(), `r=${clientNonce}${nonce},s=${salt},i=4096`)
    t.match(dialogue.step(Buffer.from(final)), {
      kind: 'success',
      identity: { username: 'user' },
      mechanism: name,
      data: Buffer.from(success),
    })
  }
})

t.test('the example of XEP-0474: what was offered is in what is signed', async (t) => {
  const mechanisms = ['SCRAM-SHA-1-PLUS', 'SCRAM-SHA-1']
  const types = ['tls-server-end-point', 'tls-exporter'] as const
  t.equal(offerHash('sha-1', mechanisms, types), 'G6k/rBLDqgOhRRaCuuatSDFkJ08=')
  const without = createHash('sha256').update('PLAIN\x1eSCRAM-SHA-1').digest('base64')
  t.equal(offerHash('sha-256', ['SCRAM-SHA-1', 'PLAIN'], []), without)

  const salted = { bytes: () => Buffer.from('QSXCR+Q6sek8bf92', 'base64'), id: () => '' }
  const made = { pbkdf2: new CountingPbkdf2(), random: salted, iterations: 4096, hashes: ['sha-1' as HashName] }
  const credentials = await makeCredentials('pencil', made)
  const serverNonce = 'a09117a6-ac50-4f2f-93f1-93799c2bddf6'
  const { context } = await world({
    lookup: () => ({ credentials }),
    random: { bytes: () => Object.assign(Buffer.alloc(0), { toString: () => serverNonce }), id: () => '' },
    bindingTypes: types,
    channelBinding: (type) => (type === 'tls-exporter' ? Buffer.from('THIS IS FAKE CB DATA') : undefined),
  })
  const dialogue = scramNamed('SCRAM-SHA-1-PLUS').start({ ...context, mechanismsOffered: mechanisms })
  const nonce = '12C4CD5C-E38E-4A98-8F6D-15C38F51CCC6'
  t.equal(
    challengeOf(dialogue, Buffer.from(`p=tls-exporter,,n=user,r=${nonce}`)).toString(),
    `r=${nonce}${serverNonce},s=QSXCR+Q6sek8bf92,i=4096,h=G6k/rBLDqgOhRRaCuuatSDFkJ08=`,
  )
  const final = `c=cD10bHMtZXhwb3J0ZXIsLFRISVMgSVMgRkFLRSBDQiBEQVRB,r=${nonce}${serverNonce},x=19C6532F-1CF4-4A27-A18D-DC9CEA41BBB3,p=M/SIDjT+dfcxUh89jZEypRvFxB4=`
  t.match(dialogue.step(Buffer.from(final)), { kind: 'success', data: Buffer.from('v=MQrMPvv7yv4x4Cq4W4Ih25EqS2c=') })
})

t.test('every variant lets the right one in, and nobody else', async (t) => {
  const exporter = Buffer.from('exported keying material')
  const { context } = await world({
    bindingTypes: ['tls-exporter'],
    channelBinding: (type) => (type === 'tls-exporter' ? exporter : undefined),
  })
  for (const { name, needs } of scram) {
    const isPlus = name.endsWith('-PLUS')
    t.same(needs, isPlus ? ['channel-binding'] : [])
    const hash = opensslOf[name.replace(/^SCRAM-|-PLUS$/g, '') as keyof typeof opensslOf]
    const bound = isPlus ? { flag: 'p=tls-exporter', bindingData: exporter } : {}
    const right = { ...juliet, hash, ...bound }
    t.equal(await login(context, right, name), 'success juliet', name)
    t.equal(await login(context, { ...right, username: 'JULIET' }, name), 'success juliet', 'prepared')
    t.equal(await login(context, { ...right, extension: ',x=1,y=a=b' }, name), 'success juliet', 'with extensions')
    t.equal(await login(context, { ...right, authzid: `Juliet@${HOST}` }, name), 'success juliet')
    t.equal(await login(context, { ...right, authzid: `romeo@${HOST}` }, name), 'invalid-authzid')
    t.equal(await login(context, { ...right, authzid: 'juliet' }, name), 'invalid-authzid')
    t.equal(await login(context, { ...right, password: 'r0m30' }, name), 'not-authorized')
    t.equal(await login(context, { ...right, username: 'romeo' }, name), 'not-authorized')
    t.equal(await login(context, { ...right, username: 'rosaline' }, name), 'not-authorized')
    t.equal(await login(context, { ...right, username: 'tybalt' }, name), 'account-disabled')
    t.equal(await login(context, { ...right, username: 'tybalt', password: '' }, name), 'not-authorized')
    if (!isPlus) continue
    t.equal(await login(context, { ...right, bindingData: Buffer.from('another') }, name), 'not-authorized')
    t.equal(await login(context, { ...right, bindingData: Buffer.alloc(0) }, name), 'not-authorized')
    t.equal(await login(context, { ...right, flag: 'p=tls-unique' }, name), 'malformed-request')
    t.equal(await login(context, { ...right, flag: 'p=tls-server-end-point' }, name), 'malformed-request')
    t.equal(await login(context, { ...right, flag: 'n' }, name), 'malformed-request')
    t.equal(await login(context, { ...right, flag: 'y' }, name), 'malformed-request')
  }
})

t.test('a client that has not seen what was offered is stopped', async (t) => {
  const { context } = await world()
  const offering = (...mechanismsOffered: string[]): SaslContext => ({ ...context, mechanismsOffered })
  const capable = { ...juliet, flag: 'y' }
  t.equal(await login(offering('SCRAM-SHA-1'), capable), 'success juliet')
  t.equal(await login(offering('SCRAM-SHA-1', 'SCRAM-SHA-256-PLUS'), capable), 'not-authorized')
  t.equal(await login(offering('SCRAM-SHA-1', 'SCRAM-SHA-256-PLUS'), juliet), 'success juliet', 'n means it cannot')
  t.equal(await login(offering('SCRAM-SHA-1'), { ...juliet, flag: 'p=tls-exporter' }), 'malformed-request')
  t.equal(
    await login(context, juliet, 'SCRAM-SHA-1', (message, number) =>
      // Another header than in the first message.
      number === 1 ? message : Buffer.from(message.toString().replace('c=biws', 'c=eSws')),
    ),
    'not-authorized',
  )
})

t.test('no byte of any message can be changed', async (t) => {
  const { context } = await world()
  const options = { ...juliet, authzid: `juliet@${HOST}` }
  const client = new ScramClient(options)
  const finalLength = client.final(Buffer.from(`r=${client.nonce}${'x'.repeat(24)},s=AAAA,i=1`)).length
  const lengths = { 1: client.first().length, 2: finalLength }
  for (const which of [1, 2] as const) {
    for (let at = 0; at < lengths[which]; at++) {
      for (const mask of [0x01, 0x04, 0x80]) {
        const result = await login(context, options, 'SCRAM-SHA-1', (message, number) => {
          if (number !== which) return message
          const changed = Buffer.from(message)
          changed[at] = changed.readUInt8(at) ^ mask
          return changed
        })
        // The client goes on with what it had sent, so nothing may come of it.
        if (result.startsWith('success')) t.fail(`message ${which}, byte ${at}, mask ${mask}: ${result}`)
      }
    }
  }
  for (const which of [1, 2] as const) {
    for (let length = 0; length < lengths[which]; length++) {
      const result = await login(context, options, 'SCRAM-SHA-1', (message, number) =>
        number === which ? message.subarray(0, length) : message,
      )
      if (result.startsWith('success')) t.fail(`message ${which}, cut after ${length}: ${result}`)
    }
  }
  t.pass(`${lengths[1] + lengths[2]} bytes`)
})

t.test('who is unknown looks like anybody else', async (t) => {
  const { context } = await world()
  const askFor = (username: string, environment: Partial<SaslEnvironment> = {}): Record<string, string> => {
    const client = new ScramClient({ ...juliet, username })
    const dialogue = scramNamed('SCRAM-SHA-1').start({ ...context, ...environment })
    return attributes(challengeOf(dialogue, client.first()).toString())
  }
  const known = askFor('juliet')
  for (const name of ['romeo', '__proto__', 'constructor', 'hasOwnProperty', 'a b', 'rosaline', '\u{1f980}', 'a@b/c']) {
    const unknown = askFor(name)
    t.same(Object.keys(unknown), Object.keys(known))
    t.equal(unknown['s']?.length, known['s']?.length)
    t.equal(unknown['i'], known['i'])
    t.equal(unknown['h'], known['h'])
    t.equal(askFor(name)['s'], unknown['s'], 'the same salt each time')
    t.not(askFor(name)['r'], unknown['r'], 'and another nonce')
    t.not(askFor(name, { host: 'mantua.example' })['s'], unknown['s'], 'but not on another host')
    t.equal(await login(context, { ...juliet, username: name }), 'not-authorized')
  }
  t.equal(askFor('ROMEO')['s'], askFor('romeo')['s'], 'however it is written')
})

t.test('a login is synchronous if the account is at hand, and waits if it is not', async (t) => {
  const { accounts, context } = await world()
  const late: SaslContext = { ...context, lookup: async (name) => accounts.get(name) }
  const client = new ScramClient(juliet)
  const dialogue = scramNamed('SCRAM-SHA-1').start(late)
  const pending = dialogue.step(client.first())
  t.ok(pending instanceof Promise)
  malformed(t, () => dialogue.step(Buffer.from('c=biws')), 'not while it looks')
  await pending
  t.equal(await login(late, juliet), 'success juliet')
  const failing: SaslContext = { ...context, lookup: () => Promise.reject(new Error('storage is down')) }
  await t.rejects(login(failing, juliet), { message: 'storage is down' })
})

t.test('a dialogue has two messages, each once and in order', async (t) => {
  const { context } = await world()
  const start = () => scramNamed('SCRAM-SHA-1').start(context)
  const client = new ScramClient(juliet)

  const asked = start()
  t.same(asked.step(undefined), { kind: 'challenge', data: Buffer.alloc(0) }, 'the client is to speak first')
  const final = client.final(challengeOf(asked, client.first()))
  t.match(asked.step(final), { kind: 'success' })
  malformed(t, () => asked.step(final), 'over')
  malformed(t, () => asked.step(client.first()), 'over')

  malformed(t, () => start().step(final), 'last message first')
  const twice = start()
  challengeOf(twice, client.first())
  malformed(t, () => twice.step(client.first()))
  malformed(t, () => twice.step(final), 'a failure ends it')
  const silent = start()
  challengeOf(silent, client.first())
  malformed(t, () => silent.step(undefined))
  const bytes = start()
  malformed(t, () => bytes.step(Buffer.from([0x6e, 0x2c, 0x2c, 0xff])), 'not UTF-8')
  const replayed = start()
  challengeOf(replayed, client.first())
  malformed(t, () => replayed.step(final), 'a message of another login')
})

t.test('keys that storage has damaged are a fault of ours, not of the user', async (t) => {
  const { accounts, context } = await world()
  const keys = accounts.get('juliet')?.credentials['sha-1']
  if (keys === undefined) throw new Error('no keys')
  const broken: SaslContext = {
    ...context,
    lookup: () => ({ credentials: { 'sha-1': { ...keys, serverKey: 'AA==' } } }),
  }
  await t.rejects(login(broken, juliet), /damaged/)
})

t.test('passwords of any script', async (t) => {
  const passwords = ['密码 пароль', 'I\u00adX', 'Gru\u0308n', '\u2168']
  const prepared = ['密码 пароль', 'IX', 'Gr\u00fcn', 'IX']
  for (const [i, password] of passwords.entries()) {
    const options = { pbkdf2: new CountingPbkdf2(), random: seededRandom(), iterations: 16 }
    const credentials = await makeCredentials(password, options)
    const { context } = await world({ lookup: () => ({ credentials }) })
    t.equal(await login(context, { ...juliet, password: prepared[i] ?? '' }), 'success juliet')
  }
})
