import t from 'tap'
import { mechanisms, type SaslDialogue } from './sasl.ts'

interface Vector {
  readonly mechanism: string
  readonly nonce: string
  readonly first: string
  readonly serverFirst: string
  readonly final: string
  readonly serverFinal: string
}

const vectors: readonly Vector[] = [
  // RFC 5802 §5
  {
    mechanism: 'SCRAM-SHA-1',
    nonce: 'fyko+d2lbbFgONRv9qkxdawL',
    first: 'n,,n=user,r=fyko+d2lbbFgONRv9qkxdawL',
    serverFirst: 'r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,s=QSXCR+Q6sek8bf92,i=4096',
    final: 'c=biws,r=fyko+d2lbbFgONRv9qkxdawL3rfcNHYJY1ZVvWVs7j,p=v0X8v3Bz2T0CJGbJQyF0X+HI4Ts=',
    serverFinal: 'v=rmF9pqV8S7suAoZWja4dJRkFsKQ=',
  },
  // RFC 7677 §3
  {
    mechanism: 'SCRAM-SHA-256',
    nonce: 'rOprNGfwEbeRWgbNEkqO',
    first: 'n,,n=user,r=rOprNGfwEbeRWgbNEkqO',
    serverFirst: 'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
    final: 'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
    serverFinal: 'v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=',
  },
]

function begin({ mechanism, nonce }: Pick<Vector, 'mechanism' | 'nonce'>, username = 'user'): SaslDialogue {
  const dialogue = mechanisms.get(mechanism)?.({
    username,
    password: 'pencil',
    nonce,
    tlsExporter: () => Buffer.from('channel'),
  })
  if (dialogue === undefined) throw new Error(`no ${mechanism}`)
  return dialogue
}

t.test('agrees with the examples of the RFCs', async (t) => {
  for (const vector of vectors) {
    const dialogue = begin(vector)
    t.equal(dialogue.initial, vector.first, vector.mechanism)
    t.equal(await dialogue.respond(vector.serverFirst), vector.final)
    await t.resolves(dialogue.finish(vector.serverFinal))
  }
})

t.test('takes the proof of the server in a challenge too', async (t) => {
  for (const vector of vectors) {
    const dialogue = begin(vector)
    await dialogue.respond(vector.serverFirst)
    t.equal(await dialogue.respond(vector.serverFinal), '')
    await t.resolves(dialogue.finish(undefined))
  }
})

t.test('does not believe a server that proves nothing', async (t) => {
  for (const vector of vectors) {
    for (const proof of [undefined, '', 'v=', 'v=AAAA', 'e=other-error', vector.serverFinal.replace(/v=./, 'v=_')]) {
      const dialogue = begin(vector)
      await dialogue.respond(vector.serverFirst)
      await t.rejects(dialogue.finish(proof), /does not prove/, `${vector.mechanism} ${proof}`)
    }
    await t.rejects(begin(vector).finish(vector.serverFinal), /does not prove/, 'success at once')
    const [nonce] = vector.serverFirst.split(',')
    for (const first of [
      '',
      `r=${vector.nonce},s=AAAA,i=1`,
      `${nonce},s=AAAA,i=0`,
      `${nonce},s=AAAA,i=9999999`,
      'r=x,s=A,i=1',
    ]) {
      await t.rejects(begin(vector).respond(first), /not acceptable/, first)
    }
  }
})

t.test('ties the login to the channel, and escapes names', async (t) => {
  const [, vector] = vectors
  if (vector === undefined) return
  const dialogue = begin({ ...vector, mechanism: 'SCRAM-SHA-256-PLUS' }, 'a=b,c')
  t.equal(dialogue.initial, `p=tls-exporter,,n=a=3Db=2Cc,r=${vector.nonce}`)
  const channel = Buffer.from('p=tls-exporter,,channel').toString('base64')
  t.match(await dialogue.respond(vector.serverFirst), `c=${channel},`)
})

t.test('says all at once in the other mechanisms', async (t) => {
  t.equal(begin({ mechanism: 'PLAIN', nonce: '' }).initial, '\0user\0pencil')
  t.equal(begin({ mechanism: 'EXTERNAL', nonce: '' }).initial, '')
  t.equal(begin({ mechanism: 'ANONYMOUS', nonce: '' }).initial, '')
  await t.rejects(begin({ mechanism: 'PLAIN', nonce: '' }).respond('x'), /challenge/)
})
