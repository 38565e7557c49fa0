/** RFC 4422 §3.4.1: who says that he is whom, and as whom he wants to act. */
import type { Identity, SaslEnvironment } from './mechanism.ts'
import { SaslFailure } from './sasl-failure.ts'

/** The prepared node of the account that a user name means at the host; undefined if none can have it (RFC 6120 §6.3.7). */
export function nodeOf(username: string, environment: SaslEnvironment): string | undefined {
  return bareOf(`${username}@${environment.host}`, environment)
}

/**
 * Checks that the peer asks to act as itself or does not ask, which the empty
 * string means too; nobody acts as another here. Throws `invalid-authzid`. It
 * depends on nothing that is stored, so that it betrays nothing.
 */
export function identityOf(
  username: string | undefined,
  authzid: string | undefined,
  environment: SaslEnvironment,
): Identity | undefined {
  if (authzid === undefined || authzid === '') return username === undefined ? undefined : { username }
  const jid = bareOf(authzid, environment)
  if (username === undefined || jid === undefined || jid !== username) {
    throw new SaslFailure('invalid-authzid', 'One may log in only as oneself')
  }
  return { username, authzid: `${username}@${environment.host}` }
}

/** The prepared node of a bare JID at the host; undefined if it is another's address, or a full JID, or none. */
export function bareOf(
  address: string,
  { host, parseJid }: Pick<SaslEnvironment, 'host' | 'parseJid'>,
): string | undefined {
  const jid = parseJid(address)
  return jid !== undefined && jid.domain === host && jid.resource === undefined ? jid.node : undefined
}
