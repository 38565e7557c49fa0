/** RFC 4013: SASLprep, which makes equal what is typed alike, for passwords. */
import type { Maybe } from '../util/maybe.ts'

/** The password cannot be used. The message is for the person who typed it. */
export class MalformedPassword extends Error {
  override readonly name = 'MalformedPassword'
}

/**
 * The form of a password that is hashed. Throws or rejects with
 * `MalformedPassword` if it is empty, too long, or has characters that are
 * prohibited or that Unicode 3.2 did not know (RFC 4013 §2.3–2.5). At once
 * for ASCII; otherwise the tables are loaded first.
 */
export function preparePassword(password: string): Maybe<string> {
  if (password === '') throw new MalformedPassword('The password is empty')
  if (password.length > PASSWORD_CHARS) throw new MalformedPassword('The password is too long')
  if (PRINTABLE_ASCII.test(password)) return password
  if (CONTROL_CHARACTER.test(password)) throw new MalformedPassword('The password contains a control character')
  return prepareUnicode(password)
}

/** More than anyone types, and than RFC 4616 §2 asks for (255 octets). */
const PASSWORD_CHARS = 1024

const PRINTABLE_ASCII = /^[\x20-\x7e]+$/
// oxlint-disable-next-line no-control-regex -- they are what we look for (RFC 3454 C.2.1)
const CONTROL_CHARACTER = /[\x00-\x1f\x7f]/

async function prepareUnicode(password: string): Promise<string> {
  // Loaded late: the tables cost 5 MB, and most servers never see such a password.
  const { saslprep } = await import('@mongodb-js/saslprep')
  const prepared = tryPrepare(saslprep, password)
  if (prepared === '') throw new MalformedPassword('The password has no visible character')
  return prepared
}

function tryPrepare(saslprep: (text: string) => string, password: string): string {
  try {
    return saslprep(password)
  } catch (cause) {
    throw new MalformedPassword('The password contains a character that is not allowed', { cause })
  }
}
