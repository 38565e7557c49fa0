/** What a mechanism is given by its server, for tests: accounts, a seeded random, and PBKDF2 that counts. */
import { createHash } from 'node:crypto'
import type { Test } from 'tap'
import { makeCredentials } from '../../../../server/auth/credentials.ts'
import { KeyDerivationQueue, type KeyDerivation } from '../../../../server/auth/pbkdf2.ts'
import { scram } from '../../../../server/auth/sasl/scram.ts'
import type {
  AccountRecord,
  Address,
  Dialogue,
  Mechanism,
  SaslContext,
  SaslEnvironment,
  Step,
} from '../../../../server/auth/sasl/mechanism.ts'
import { SaslFailure } from '../../../../server/auth/sasl/sasl-failure.ts'
import type { Random } from '../../../../server/util/random.ts'

export const HOST = 'verona.example'

export function seededRandom(seed = 'seed'): Random {
  let count = 0
  const bytes = (length: number): Buffer => {
    const parts = Array.from({ length: Math.ceil(length / 32) }, () =>
      createHash('sha256').update(`${seed} ${count++}`).digest(),
    )
    return Buffer.concat(parts).subarray(0, length)
  }
  return { bytes, id: () => bytes(12).toString('base64url') }
}

export class CountingPbkdf2 implements KeyDerivation {
  readonly calls: string[] = []
  readonly #pbkdf2 = new KeyDerivationQueue()

  derive: KeyDerivation['derive'] = (password, salt, iterations, hash) => {
    this.calls.push(`${hash} ${iterations}`)
    return this.#pbkdf2.derive(password, salt, iterations, hash)
  }
}

/** As much of RFC 7622 as the tests need: parts, and case folding. */
export function parseJid(address: string): Address | undefined {
  const slash = address.indexOf('/')
  const bare = slash === -1 ? address : address.slice(0, slash)
  const at = bare.indexOf('@')
  const node = at === -1 ? undefined : bare.slice(0, at).toLowerCase()
  const domain = bare.slice(at + 1).toLowerCase()
  if (node === '' || /[\s"&':<>\0]/.test(node ?? '') || !/^[a-z0-9.-]+$/.test(domain)) return undefined
  return { node, domain, resource: slash === -1 ? undefined : address.slice(slash + 1) }
}

/** Juliet's password is R0m30, Tybalt is disabled, Rosaline has no password, and nobody else exists. */
export async function world(overrides: Partial<SaslEnvironment> = {}) {
  const pbkdf2 = new CountingPbkdf2()
  const random = seededRandom()
  const made = await makeCredentials('R0m30', { pbkdf2, random })
  const accounts = new Map<string, AccountRecord>([
    ['juliet', { credentials: made }],
    ['tybalt', { credentials: made, disabled: true }],
    ['rosaline', { credentials: {} }],
  ])
  pbkdf2.calls.length = 0
  const environment: SaslEnvironment = {
    host: HOST,
    parseJid,
    lookup: (username) => accounts.get(username),
    secure: true,
    bindingTypes: [],
    channelBinding: () => undefined,
    random,
    pbkdf2,
    fakeSecret: Buffer.from('0123456789abcdef0123456789abcdef'),
    ...overrides,
  }
  const context: SaslContext = { mechanismsOffered: ['SCRAM-SHA-1', 'PLAIN'], ...environment }
  return { accounts, environment, context, pbkdf2 }
}

export function scramNamed(name: string): Mechanism {
  const found = scram.find((mechanism) => mechanism.name === name)
  if (found === undefined) throw new Error(`there is no ${name}`)
  return found
}

/** What a step comes to, in a word: a condition, `challenge`, or who is in. */
export async function verdict(step: () => Step | Promise<Step>): Promise<string> {
  try {
    const result = await step()
    return result.kind === 'challenge' ? 'challenge' : `success ${result.identity.username}`
  } catch (error) {
    if (error instanceof SaslFailure) return error.condition
    throw error
  }
}

/** The condition that something is refused with at once; undefined if it is not. */
export function conditionOf(run: () => unknown): string | undefined {
  try {
    run()
    return undefined
  } catch (error) {
    if (error instanceof SaslFailure) return error.condition
    throw error
  }
}

/** Expects that something is refused at once as malformed. */
export function malformed(t: Test, run: () => unknown, name = ''): void {
  t.equal(conditionOf(run), 'malformed-request', name)
}

/** The data of a challenge that must come at once. */
export function challengeOf(dialogue: Dialogue, data: Buffer): Buffer {
  const step = dialogue.step(data)
  if (step instanceof Promise || step.kind !== 'challenge') throw new Error('no challenge came at once')
  return step.data
}
