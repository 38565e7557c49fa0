/** Credentials for external services. Those of TURN expire: draft-uberti-behave-turn-rest-00 §2.2. */
import { createHmac } from 'node:crypto'
import type { Secret } from '../../server/config/secret.ts'
import type { Jid } from '../../server/jid/jid.ts'
import { formatDateTime } from '../../server/protocol/date-time.ts'
import type { Access } from './services.ts'

/** As attributes of a service (XEP-0215 §2). */
export interface Credentials {
  readonly username?: string | undefined
  readonly password?: string | undefined
  readonly expires?: string | undefined
}

/** Characters of base64url that stand for an account. */
const PSEUDONYM_CHARS = 16

/** `expiresAt` is in milliseconds of the clock; in the credentials it is a whole second. */
export function credentialsFor(access: Access, who: Jid, expiresAt: number): Credentials {
  if (access.kind === 'fixed') return { username: access.username, password: access.password?.reveal() }
  const seconds = Math.floor(expiresAt / 1000)
  const username = `${seconds}:${pseudonym(who, access.secret)}`
  const password = createHmac('sha1', access.secret.reveal()).update(username).digest('base64')
  return { username, password, expires: formatDateTime(new Date(seconds * 1000)) }
}

/** The same for all clients of an account, so that the service can limit them, and tells nobody who it is. */
function pseudonym(who: Jid, secret: Secret): string {
  return createHmac('sha256', secret.reveal()).update(who.bare).digest('base64url').slice(0, PSEUDONYM_CHARS)
}
