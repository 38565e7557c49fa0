/** XEP-0388 §2.3: who clients say that they are, and who they prove to be. */
import type { ModuleHost } from '../../server/host/host.ts'
import type { Stream } from '../../server/stream/stream.ts'

/** The prepared node of an account; undefined if none can have that name. */
export function nodeOf(host: ModuleHost<'saslauth'>, username: string): string | undefined {
  return host.tryParseJid(`${username}@${host.domain}`)?.node
}

/** Whoever has proved to be somebody else than he said must not go on. Throws SaslFailure. */
export function requireClaimed(host: ModuleHost<'saslauth'>, stream: Stream, username: string): void {
  const { claimed } = stream
  if (claimed === undefined || nodeOf(host, claimed.split('/', 1)[0]?.split('@', 1)[0] ?? '') === username) return
  throw host.service('saslauth').refuse(stream, 'invalid-authzid', 'The stream was opened by somebody else')
}
