/** Web clients: who they are, and whose pages they run on. */
import type { IncomingMessage } from 'node:http'
import { TLSSocket } from 'node:tls'
import type { SecureChannel } from '../stream/transport.ts'
import { TlsChannel } from '../stream/tls.ts'
import { addressOf, isLoopback, type Networks, normalAddress } from './address.ts'

/** Who is at the other end, as the connection says, or the proxy that it comes through. */
export interface WebPeer {
  readonly address: string
  readonly local: boolean
  readonly forwarded: boolean
  readonly encrypted: boolean
  readonly secure: SecureChannel | undefined
}

/** False for a page of a web site that is not one of `origins`, if there are any. */
export function isWelcome({ headers: { origin } }: IncomingMessage, origins: readonly string[]): boolean {
  return origins.length === 0 || origin === undefined || origins.includes(origin)
}

/** Who a connection is from; or, if it is from a proxy that is believed, who that says it is from. */
export function peerOf({ socket, headers }: IncomingMessage, proxies: Networks): WebPeer {
  const address = addressOf(socket)
  const isProxy = address === '' || proxies.has(address)
  const client = isProxy ? lastForwarded(headers['x-forwarded-for'], proxies) : undefined
  if (client === undefined) {
    const secure = socket instanceof TLSSocket ? new TlsChannel(socket) : undefined
    const local = address === '' || isLoopback(address)
    return { address, local, forwarded: false, encrypted: secure !== undefined, secure }
  }
  const encrypted = headers['x-forwarded-proto'] === 'https' || headers['x-forwarded-proto'] === 'wss'
  // Nobody is exempt from anything because of what a header says.
  return { address: client, local: false, forwarded: true, encrypted, secure: undefined }
}

/** The address that the first of our proxies has seen: each adds its own at the end, and what is before may be made up. */
function lastForwarded(header: string | string[] | undefined, proxies: Networks): string | undefined {
  const chain = String(header ?? '').split(',')
  for (const written of chain.toReversed()) {
    const address = normalAddress(written.trim())
    if (address === undefined || !proxies.has(address)) return address
  }
  return undefined
}
