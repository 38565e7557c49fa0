import fc from 'fast-check'
import t from 'tap'
import { parseBearerMessage } from '../../../../server/auth/sasl/oauth-message.ts'
import { oauthBearer } from '../../../../server/auth/sasl/oauthbearer.ts'
import { makeOffer } from '../../../../server/auth/sasl/offer.ts'
import { SaslFailure } from '../../../../server/auth/sasl/sasl-failure.ts'
import { HOST, parseJid } from './world.ts'

const A = '\x01'

t.test('reads what a client says (RFC 7628 §4.1)', async (t) => {
  const message = `n,a=user@example.com,${A}host=server.example.com${A}port=143${A}auth=Bearer vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==${A}${A}`
  t.same(parseBearerMessage(message), {
    authzid: 'user@example.com',
    token: 'vF9dft4qmTc2Nvb3RlckBhbHRhdmlzdGEuY29tCg==',
  })
  for (const auth of ['', `auth=${A}`, `auth=Bearer${A}`, `auth=Bearer ${A}`])
    t.same(parseBearerMessage(`n,,${A}${auth}${A}`), { authzid: undefined, token: '' }, 'a client without a token')
})

t.test('refuses what the grammar does not allow', async (t) => {
  const auth = `auth=Bearer abc${A}`
  const bad = [
    '',
    A,
    'n,,',
    `n,,${A}`,
    `n,,${A}${auth}`,
    `n,,${auth}${A}`,
    `p=tls-exporter,,${A}${auth}${A}`,
    `n,b=x,${A}${auth}${A}`,
    `n,a==,${A}${auth}${A}`,
    `n,,${A}auth=Basic abc${A}${A}`,
    `n,,${A}auth=Bearer a b${A}${A}`,
    `n,,${A}auth=Bearer ä${A}${A}`,
    `n,,${A}=x${A}${auth}${A}`,
    `n,,${A}${auth}${A}more`,
  ]
  for (const message of bad) t.throws(() => parseBearerMessage(message), SaslFailure, JSON.stringify(message))
})

t.test('whatever is said, it is read or refused', async () => {
  const part = fc.oneof(fc.constantFrom('n,,', 'y,a=', 'auth=', 'Bearer ', A, A + A, ',', '=2C', '='), fc.string())
  fc.assert(
    fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
      try {
        const { token } = parseBearerMessage(parts.join(''))
        return /^[\w.~+/=-]*$/.test(token)
      } catch (error) {
        return error instanceof SaslFailure
      }
    }),
  )
})

t.test('a token is never asked for where others could read it', async (t) => {
  const nobody = (): never => {
    throw new Error('nobody is asked')
  }
  const authority = { discoveryUrl: '', scope: undefined, judge: nobody, account: nobody }
  const ground = { host: HOST, parseJid, bindingTypes: [] }
  t.same(makeOffer([oauthBearer(authority)], { ...ground, secure: false }).names, [])
  t.same(makeOffer([oauthBearer(authority)], { ...ground, secure: true }).names, ['OAUTHBEARER'])
})
