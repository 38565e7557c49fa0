import fc from 'fast-check'
import t from 'tap'
import { SaslFailure } from '../../../../server/auth/sasl/sasl-failure.ts'
import { parseClientFinal, parseClientFirst } from '../../../../server/auth/sasl/scram-messages.ts'
import { ScramClient } from './scram-client.ts'
import { malformed } from './world.ts'

const seed = Number(process.env['SEED'] ?? Date.now() % 2 ** 31)
const juliet = { username: 'juliet', password: 'R0m30', hash: 'sha1' } as const

t.test('refuses what the grammar does not allow', (t) => {
  const firsts = [
    '',
    'n',
    'n,',
    'n,,',
    'n,,n=user',
    'n,,r=nonce,n=user',
    'n,,m=ext,n=user,r=nonce',
    'n,,n=user,r=nonce,m=ext',
    'n,,n=user,m=ext,r=nonce',
    'n,,n=user,r=nonce,n=admin',
    'n,,n=user,r=nonce,r=other',
    'n,,n=user,r=nonce,',
    'n,,n=user,r=nonce,1=x',
    'n,,n=user,r=nonce,x=',
    'n,,n=user,r=nonce,xx=1',
    'n,,n=user,r=nonce,x=\0',
    'n,,n=user,r=',
    'n,,n=user,r=no nce',
    'n,,n=user,r=nönce',
    `n,,n=user,r=${'n'.repeat(257)}`,
    'n,,n=,r=nonce',
    'n,,n=us=er,r=nonce',
    'n,,n=us=2cer,r=nonce',
    'n,,n=user=,r=nonce',
    'n,,n=us\0er,r=nonce',
    'n,,N=user,r=nonce',
    'N,,n=user,r=nonce',
    'x,,n=user,r=nonce',
    'p,,n=user,r=nonce',
    'p=,,n=user,r=nonce',
    'p=tls_unique,,n=user,r=nonce',
    'n,a=,n=user,r=nonce',
    'n,juliet@verona.example,n=user,r=nonce',
    'n,a=a=b,n=user,r=nonce',
    'F,n,,n=user,r=nonce',
    'nn,,n=user,r=nonce',
    ' n,,n=user,r=nonce',
    '\ufeffn,,n=user,r=nonce',
  ]
  for (const text of firsts) malformed(t, () => parseClientFirst(text), text)

  const proof = Buffer.alloc(20, 1).toString('base64')
  const finals = [
    '',
    `p=${proof}`,
    `c=biws,p=${proof}`,
    `r=nonce,c=biws,p=${proof}`,
    `c=biws,r=nonce`,
    `c=biws,r=nonce,p=${proof},x=1`,
    `c=biws,r=nonce,p=${proof},`,
    `c=biws,r=nonce,p=${proof},p=${proof}`,
    `c=biws,r=nonce,m=1,p=${proof}`,
    `c=biws,r=nonce,c=biws,p=${proof}`,
    `c=biws,r=nonce,,p=${proof}`,
    `c=biws,r=nonce,p=${proof} `,
    `c=biws,r=nonce,p=${proof.replace('=', '')}`,
    `c=biws,r=nonce,P=${proof}`,
    `c=biws,r=nonce,p=*${proof}`,
  ]
  for (const text of finals) malformed(t, () => parseClientFinal(text), text)

  t.match(parseClientFirst('p=tls-exporter,a=a=2Cb=3D2C,n==3D=2C=3D2C,r=!~+,x=1=2,z=ü'), {
    binding: { flag: 'p', type: 'tls-exporter' },
    gs2Header: 'p=tls-exporter,a=a=2Cb=3D2C,',
    authzid: 'a,b=2C',
    username: '=,=2C',
    nonce: '!~+',
    bare: 'n==3D=2C=3D2C,r=!~+,x=1=2,z=ü',
  })
  t.end()
})

t.test('messages survive any name, and the parser throws nothing but refusals', (t) => {
  t.comment(`seed ${seed}`)
  const name = fc.string({ unit: 'grapheme', minLength: 1 }).filter((text) => !text.includes('\0'))
  fc.assert(
    fc.property(name, name, (username, authzid) => {
      const client = new ScramClient({ ...juliet, username, authzid })
      const read = parseClientFirst(client.first().toString())
      return read.username === username && read.authzid === authzid && read.gs2Header === client.header
    }),
    { seed },
  )
  const token = fc.constantFrom('n', 'y', 'p=', 'a=', 'n=', 'r=', 'm=', 'c=', 'biws', ',', '=', '=2C', '=3D', 'x', '\0')
  const text = fc.array(fc.oneof(token, fc.string())).map((parts) => parts.join(''))
  fc.assert(
    fc.property(text, (any) => {
      for (const parse of [parseClientFirst, parseClientFinal]) {
        try {
          parse(any)
        } catch (error) {
          if (!(error instanceof SaslFailure)) return false
        }
      }
      return true
    }),
    { seed, numRuns: 1000 },
  )
  t.end()
})
