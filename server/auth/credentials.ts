/** RFC 5802 §3: what a server keeps instead of a password. Made, checked, and made up for users that do not exist. */
import { timingSafeEqual } from 'node:crypto'
import type { Random } from '../util/random.ts'
import { digest, hashFunctions, hmac, type HashName } from './digest.ts'
import { MalformedPassword, preparePassword } from './password.ts'
import type { KeyDerivation } from './pbkdf2.ts'

/** The keys for one hash function as they are stored; everything binary is base64. */
export interface StoredKeys {
  readonly salt: string
  readonly iterations: number
  readonly storedKey: string
  readonly serverKey: string
}

/** What is stored of a password, as JSON. A hash that is missing cannot be used to log in. */
export type StoredCredentials = { readonly [hash in HashName]?: StoredKeys }

export interface CredentialOptions {
  readonly pbkdf2: KeyDerivation
  readonly random: Random
  /** RFC 7677 §4 asks for 4,096 or more. Unknown users seem to have the default, so depart from it for all or none. */
  readonly iterations?: number
  readonly hashes?: readonly HashName[]
}

/** Keys for a new password. Rejects with `MalformedPassword`, or with `HashingBusy`. */
export async function makeCredentials(password: string, options: CredentialOptions): Promise<StoredCredentials> {
  const { pbkdf2, random, iterations = DEFAULT_ITERATIONS, hashes = HASHES } = options
  const prepared = await preparePassword(password)
  const credentials: { [hash in HashName]?: StoredKeys } = {}
  for (const hash of hashes) {
    const salt = random.bytes(SALT_BYTES)
    const salted = await pbkdf2.derive(prepared, salt, iterations, hash)
    credentials[hash] = keysOf(hash, salted, { salt: salt.toString('base64'), iterations })
  }
  return credentials
}

/** How a password becomes a SaltedPassword. */
export type Salting = Pick<StoredKeys, 'salt' | 'iterations'>

/** What a new password is salted with. */
export function newSalting(random: Random): Salting {
  return { salt: random.bytes(SALT_BYTES).toString('base64'), iterations: DEFAULT_ITERATIONS }
}

/** The keys to store for a SaltedPassword (RFC 5802 §3). */
export function keysOf(hash: HashName, salted: Buffer, { salt, iterations }: Salting): StoredKeys {
  return {
    salt,
    iterations,
    storedKey: storedKeyOf(hash, salted).toString('base64'),
    serverKey: hmac(hash, salted, 'Server Key').toString('base64'),
  }
}

/**
 * Whether it is the password. Costs one PBKDF2 whatever the answer, except for
 * a password that no account can have. Rejects with `HashingBusy`.
 */
export async function verifyPassword(
  credentials: StoredCredentials,
  password: string,
  pbkdf2: KeyDerivation,
): Promise<boolean> {
  const hash = CHECKED_FIRST.find((name) => credentials[name] !== undefined)
  const keys = hash && credentials[hash]
  const prepared = await prepareOrRefuse(password)
  if (hash === undefined || keys === undefined || prepared === undefined) return false
  const { salt, iterations } = keys
  const salted = await pbkdf2.derive(prepared, Buffer.from(salt, 'base64'), iterations, hash)
  return timingSafeEqual(storedKeyOf(hash, salted), readKey(hash, keys.storedKey))
}

/** Whether there is anything to verify a password with: an account may have other ways to log in, or none. */
export function hasPassword(credentials: StoredCredentials): boolean {
  return hashesIn(credentials).length > 0
}

/** For which there are keys, the weakest first. */
export function hashesIn(credentials: StoredCredentials): readonly HashName[] {
  return HASHES.filter((hash) => credentials[hash] !== undefined)
}

/**
 * Keys for a user who does not exist: always the same salt, which looks like
 * any other, and no password fits (RFC 5802 §9). `username` must tell apart
 * the hosts that share the secret.
 */
export function fakeCredentials(secret: Buffer, username: string, hash: HashName): StoredKeys {
  return {
    salt: hmac(hash, secret, `${hash}\0${username}`).toString('base64', 0, SALT_BYTES),
    iterations: DEFAULT_ITERATIONS,
    storedKey: UNFITTING[hash],
    serverKey: UNFITTING[hash],
  }
}

/** The hash that `verifyPassword` uses for a user with all of them: whom nobody knows should cost the same. */
export const PASSWORD_HASH: HashName = 'sha-256'

/** All that a password is hashed with, the weakest first. */
export const HASHES: readonly HashName[] = ['sha-1', 'sha-256', 'sha-512']

/** A key from its stored form. Throws if it is damaged: an account must not look unknown because storage is broken. */
export function readKey(hash: HashName, stored: string): Buffer {
  const key = Buffer.from(stored, 'base64')
  if (key.length !== hashFunctions[hash].bytes) throw new Error(`a stored ${hash} key is damaged`)
  return key
}

const DEFAULT_ITERATIONS = 10_000
const SALT_BYTES = 16
const CHECKED_FIRST: readonly HashName[] = [PASSWORD_HASH, 'sha-512', 'sha-1']

/** Nobody knows what hashes to nothing but zeros. These keys are never shown, so they may be the same for all. */
const UNFITTING: Readonly<Record<HashName, string>> = {
  'sha-1': zeros('sha-1'),
  'sha-256': zeros('sha-256'),
  'sha-512': zeros('sha-512'),
}

function zeros(hash: HashName): string {
  return Buffer.alloc(hashFunctions[hash].bytes).toString('base64')
}

function storedKeyOf(hash: HashName, salted: Buffer): Buffer {
  return digest(hash, hmac(hash, salted, 'Client Key'))
}

async function prepareOrRefuse(password: string): Promise<string | undefined> {
  try {
    return await preparePassword(password)
  } catch (error) {
    if (error instanceof MalformedPassword) return undefined
    throw error
  }
}
