/** XEP-0300: hash functions by the names they have in XMPP; and the order of octets (RFC 4790 §9.3). */
import { createHash } from 'node:crypto'

/** In base64, or undefined if we do not know the function. */
export function digest(algorithm: string, input: string | Buffer): string | undefined {
  const known = algorithms.get(algorithm)
  return known === undefined ? undefined : createHash(known).update(input).digest('base64')
}

/** For `sort`: less than zero if `a` comes first as octets of UTF-8. Strings of JavaScript compare otherwise. */
export function compareOctets(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}

/** The names that XMPP uses, and those of OpenSSL. */
const algorithms: ReadonlyMap<string, string> = new Map([
  ['sha-1', 'sha1'],
  ['sha-256', 'sha256'],
  ['sha-512', 'sha512'],
  ['sha3-256', 'sha3-256'],
  ['sha3-512', 'sha3-512'],
  ['blake2b-512', 'blake2b512'],
])
