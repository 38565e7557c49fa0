/**
 * What can be stored. It is checked before a write joins others in a batch:
 * something that a database would refuse must not take the rest with it.
 */
import { StorageError } from './storage-error.ts'

/** The most bytes of an owner: a localpart (RFC 7622 §3.3.1). */
export const OWNER_BYTES = 1023

/** The most bytes of a key. With the longest owner it still fits into an entry of a PostgreSQL index, 2704 bytes. */
export const KEY_BYTES = 1536

/** The most bytes of a bare JID, and of a resource (RFC 7622 §3). */
const BARE_BYTES = 2047
const RESOURCE_BYTES = 1023

/** The most characters of one value or stanza. */
const TEXT_CHARS = 16 * 1024 * 1024

export function checkOwner(owner: string): void {
  checkName('owner', owner, OWNER_BYTES)
}

export function checkKey(key: string): void {
  checkName('key', key, KEY_BYTES)
}

export function checkText(text: string): void {
  if (text.length > TEXT_CHARS) throw new StorageError('invalid', 'a value is too long to be stored')
  checkCharacters('value', text)
}

/** An address in the parts under which it is filed. */
export interface FiledAddress {
  readonly bare: string
  readonly resource: string | undefined
}

/** Divides an address at its first slash (RFC 7622 §3.2). */
export function filedAddress(jid: string): FiledAddress {
  const slash = jid.indexOf('/')
  const bare = slash < 0 ? jid : jid.slice(0, slash)
  const resource = slash < 0 ? undefined : jid.slice(slash + 1)
  checkName('address', bare, BARE_BYTES)
  if (resource !== undefined) checkName('resource', resource, RESOURCE_BYTES)
  return { bare, resource }
}

function checkName(what: string, text: string, limit: number): void {
  // No UTF-16 unit needs more than three bytes of UTF-8, so most names need not be counted.
  if (text.length * 3 > limit && Buffer.byteLength(text) > limit) {
    throw new StorageError('invalid', `the name of an ${what} is too long to be stored`)
  }
  checkCharacters(what, text)
}

/** PostgreSQL has no NUL in texts; a lone surrogate would come back as another character. */
function checkCharacters(what: string, text: string): void {
  if (text.includes('\0') || !text.isWellFormed()) {
    throw new StorageError('invalid', `the characters of a stored ${what} are not valid`)
  }
}
