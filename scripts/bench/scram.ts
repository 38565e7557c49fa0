/** How long a SCRAM login takes on the server, with the account at hand: `node scripts/bench/scram.ts`. */
import { makeCredentials } from '../../server/auth/credentials.ts'
import { hmac, type HashName } from '../../server/auth/digest.ts'
import { KeyDerivationQueue } from '../../server/auth/pbkdf2.ts'
import type { SaslEnvironment } from '../../server/auth/sasl/mechanism.ts'
import { SaslNegotiator, type Outcome } from '../../server/auth/sasl/negotiator.ts'
import { scram } from '../../server/auth/sasl/scram.ts'
import { SystemRandom } from '../../server/util/random.ts'
import { ScramClient } from '../../spec/server/auth/sasl/scram-client.ts'

const ROUNDS = 20_000
const HASHES: readonly [HashName, 'sha1' | 'sha256' | 'sha512'][] = [
  ['sha-1', 'sha1'],
  ['sha-256', 'sha256'],
  ['sha-512', 'sha512'],
]

const random = new SystemRandom()
const pbkdf2 = new KeyDerivationQueue()
const credentials = await makeCredentials('R0m30', { pbkdf2, random })
const serverNonce = random.bytes(18)

/** With the same nonce each time, so that the client computes its answer once and is not measured. */
const environment: SaslEnvironment = {
  host: 'verona.example',
  parseJid: (address) => ({ node: address.slice(0, address.indexOf('@')), domain: 'verona.example' }),
  lookup: (username) => (username === 'juliet' ? { credentials } : undefined),
  secure: true,
  bindingTypes: ['tls-exporter', 'tls-server-end-point'],
  channelBinding: () => serverNonce,
  random: { id: () => random.id(), bytes: () => serverNonce },
  pbkdf2,
  fakeSecret: random.bytes(32),
}

for (const [hash, openssl] of HASHES) {
  const name = `SCRAM-${hash.toUpperCase()}`
  const client = new ScramClient({ username: 'juliet', password: 'R0m30', hash: openssl })
  const first = client.first().toString('base64')
  const final = client.final(Buffer.from(dataOf(negotiator().begin(name, first)), 'base64')).toString('base64')
  measure(`${name}, all steps`, () => {
    const logins = negotiator()
    if (dataOf(logins.begin(name, first)) === dataOf(logins.respond(final))) throw new Error('not let in')
  })
  measure(`  one HMAC of it`, () => hmac(hash, serverNonce, first))
}
measure('making the list of mechanisms', () => negotiator())
measure('a nonce', () => random.bytes(18).toString('base64'))

function negotiator(): SaslNegotiator {
  return new SaslNegotiator(scram, environment)
}

function dataOf(outcome: Outcome | Promise<Outcome>): string {
  if (outcome instanceof Promise) throw new Error('it had to wait')
  return outcome.data ?? ''
}

/** Prints the best of five rounds: the machine is shared. */
function measure(name: string, run: () => unknown): void {
  const times = Array.from({ length: 6 }, () => {
    const started = process.hrtime.bigint()
    for (let i = 0; i < ROUNDS; i++) run()
    return Number(process.hrtime.bigint() - started) / ROUNDS / 1000
  })
  console.log(
    `${name.padEnd(32)} ${Math.min(...times.slice(1))
      .toFixed(2)
      .padStart(7)} µs`,
  )
}
