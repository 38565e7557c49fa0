/** The client's side of SASL (RFC 4422): PLAIN, EXTERNAL, ANONYMOUS, and SCRAM (RFC 5802, 7677) checked to the end. */
import { createHash, createHmac, pbkdf2, randomBytes, timingSafeEqual } from 'node:crypto'
import { promisify } from 'node:util'
import { saslprep } from '@mongodb-js/saslprep'

export interface Credentials {
  /** The node of the account. */
  readonly username: string
  readonly password: string
  /** RFC 9266: what ties the login to its TLS connection, where there is one. */
  readonly tlsExporter: () => Buffer | undefined
  /** Replaces the random nonce, for test vectors. */
  readonly nonce?: string
}

/** A login on its way. What is given and taken is not in base64. */
export interface SaslDialogue {
  /** Absent if the server begins. */
  readonly initial: string | undefined
  /** Throws if the server has said something that it must not say. */
  respond(challenge: string): Promise<string>
  /** Takes what came with success. Throws if the server has not proved that it knows the password. */
  finish(additional: string | undefined): Promise<void>
}

type Mechanism = (credentials: Credentials) => SaslDialogue

/** The mechanisms there are, in the order of preference; cheaper hashes first, since a run logs in many times. */
export const mechanisms: ReadonlyMap<string, Mechanism> = new Map<string, Mechanism>([
  ['SCRAM-SHA-256', (credentials) => scram(credentials, { hash: 'sha256', binding: 'none' })],
  ['SCRAM-SHA-1', (credentials) => scram(credentials, { hash: 'sha1', binding: 'none' })],
  ['SCRAM-SHA-512', (credentials) => scram(credentials, { hash: 'sha512', binding: 'none' })],
  ['SCRAM-SHA-256-PLUS', (credentials) => scram(credentials, { hash: 'sha256', binding: 'tls-exporter' })],
  ['SCRAM-SHA-1-PLUS', (credentials) => scram(credentials, { hash: 'sha1', binding: 'tls-exporter' })],
  ['SCRAM-SHA-512-PLUS', (credentials) => scram(credentials, { hash: 'sha512', binding: 'tls-exporter' })],
  ['PLAIN', ({ username, password }) => oneStep(`\0${username}\0${password}`)],
  ['EXTERNAL', () => oneStep('')],
  ['ANONYMOUS', () => oneStep('')],
])

/** Mechanisms that are used only when a play asks for them. */
export const onlyWhenAsked: ReadonlySet<string> = new Set([
  'SCRAM-SHA-256-PLUS',
  'SCRAM-SHA-1-PLUS',
  'SCRAM-SHA-512-PLUS',
  'EXTERNAL',
  'ANONYMOUS',
])

const deriveKey = promisify(pbkdf2)

/** More than that is not a login but an attack (RFC 5802 §9 leaves the limit to us). */
const MAX_ITERATIONS = 1_000_000

function oneStep(initial: string): SaslDialogue {
  return {
    initial,
    respond: () => Promise.reject(new Error('the server sent a challenge where none belongs')),
    finish: () => Promise.resolve(),
  }
}

interface ScramKind {
  readonly hash: 'sha1' | 'sha256' | 'sha512'
  readonly binding: 'none' | 'tls-exporter'
}

function scram({ username, password, tlsExporter, nonce }: Credentials, { hash, binding }: ScramKind): SaslDialogue {
  const clientNonce = nonce ?? randomBytes(18).toString('base64')
  const gs2Header = binding === 'none' ? 'n,,' : `p=${binding},,`
  const firstBare = `n=${saslName(username)},r=${clientNonce}`
  let expectedSignature: Buffer | undefined
  let isVerified = false

  const answer = async (serverFirst: string): Promise<string> => {
    const { serverNonce, salt, iterations } = parseServerFirst(serverFirst, clientNonce)
    const size = createHash(hash).digest().length
    const salted = await deriveKey(saslprep(password), salt, iterations, size, hash)
    // Without TLS a play may still want to see what the server says to that.
    const bound = binding === 'none' ? Buffer.alloc(0) : (tlsExporter() ?? Buffer.alloc(0))
    const channel = Buffer.concat([Buffer.from(gs2Header), bound]).toString('base64')
    const withoutProof = `c=${channel},r=${serverNonce}`
    const authMessage = `${firstBare},${serverFirst},${withoutProof}`
    const clientKey = hmac(hash, salted, 'Client Key')
    const signature = hmac(hash, createHash(hash).update(clientKey).digest(), authMessage)
    expectedSignature = hmac(hash, hmac(hash, salted, 'Server Key'), authMessage)
    return `${withoutProof},p=${xor(clientKey, signature).toString('base64')}`
  }

  const verify = (serverFinal: string): void => {
    const signature = Buffer.from(/^v=([^,]+)/.exec(serverFinal)?.[1] ?? '', 'base64')
    const expected = expectedSignature
    if (expected === undefined || signature.length !== expected.length || !timingSafeEqual(signature, expected)) {
      throw new Error(`SCRAM: the server does not prove that it knows the password: ${serverFinal}`)
    }
    isVerified = true
  }

  return {
    initial: `${gs2Header}${firstBare}`,
    async respond(challenge) {
      if (expectedSignature === undefined) return answer(challenge)
      // Servers may send their proof in a challenge of its own instead of with success (RFC 5802 §5).
      verify(challenge)
      return ''
    },
    async finish(additional) {
      if (!isVerified) verify(additional ?? '')
    },
  }
}

function parseServerFirst(
  message: string,
  clientNonce: string,
): { serverNonce: string; salt: Buffer; iterations: number } {
  const [, serverNonce = '', salt = '', count = ''] =
    /^r=([^,]+),s=([^,]+),i=([1-9][0-9]*)(?:,.*)?$/.exec(message) ?? []
  const iterations = Number(count)
  const isExtended = serverNonce.startsWith(clientNonce) && serverNonce.length > clientNonce.length
  if (!isExtended || iterations === 0 || iterations > MAX_ITERATIONS) {
    throw new Error(`SCRAM: not acceptable from a server: ${message}`)
  }
  return { serverNonce, salt: Buffer.from(salt, 'base64'), iterations }
}

/** RFC 5802 §5.1: `=` and `,` cannot stand in a name. */
function saslName(username: string): string {
  return saslprep(username).replaceAll('=', '=3D').replaceAll(',', '=2C')
}

function hmac(hash: string, key: Buffer, text: string): Buffer {
  return createHmac(hash, key).update(text).digest()
}

function xor(a: Buffer, b: Buffer): Buffer {
  return Buffer.from(a.map((byte, index) => byte ^ (b[index] ?? 0)))
}
