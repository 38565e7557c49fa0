/** A connection to a server, and how a stream opens, carries elements and closes on it. */
import { type EventEmitter, once } from 'node:events'
import type { SecureContextOptions } from 'node:tls'
import { NS } from './namespaces.ts'
import type { XmlNode } from './xml-node.ts'

/** Told of what the server does. After `onGone` nothing more is told. */
export interface WireListener {
  /** The server's stream header. */
  onOpen(header: XmlNode): void
  onElement(element: XmlNode): void
  /** The server has closed the stream. */
  onClose(): void
  /** The connection is no more; `fault` says what was wrong, if anything was. */
  onGone(fault: string | undefined): void
}

export interface Wire {
  /** Opens a stream; again, after a login, with a parser that knows nothing of what was before. */
  openStream(domain: string): void
  /** Sends one element, in `jabber:client` unless it says otherwise. */
  send(element: string): void
  /** Sends whatever it is; over WebSocket as one text frame. */
  sendRaw(bytes: Uint8Array): void
  closeStream(): void
  /** Secures the connection. Only where there is STARTTLS. */
  startTls(): Promise<void>
  /** RFC 9266; nothing where there is no TLS. */
  tlsExporter(): Buffer | undefined
  /** Ends the connection in order. */
  end(): void
  /** Ends it at once, as if a cable were pulled. */
  destroy(): void
}

export interface WireOptions {
  /** The domain of the account, by which the server chooses its certificate. */
  readonly domain: string
  /** What the client shows of itself, if anything. Certificates of servers are not checked. */
  readonly certificate: Pick<SecureContextOptions, 'cert' | 'key'>
  /** How long it may take to connect, and to secure the connection. */
  readonly timeoutSeconds: number
}

/** Resolves with the event; rejects after an `error`, and when there is neither in time. */
export async function happens(emitter: EventEmitter, event: string, timeoutSeconds: number): Promise<void> {
  try {
    await once(emitter, event, { signal: AbortSignal.timeout(timeoutSeconds * 1_000) })
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'AbortError') throw error
    throw new Error(`no “${event}” within ${timeoutSeconds} s`, { cause: error })
  }
}

/** The header that a client sends (RFC 6120 §4.7); the language matters, since servers stamp it on stanzas. */
export const headerAttributes = (domain: string): string => `to='${domain}' version='1.0' xml:lang='en'`

/** Elements that travel alone inherit nothing: what does not say otherwise is a stanza (RFC 7395 §3.3.3, XEP-0206 §2). */
export function withNamespace(element: string): string {
  const [tag = '', name = ''] = /^<([^\s/>]+)(?:[^>"']|"[^"]*"|'[^']*')*>/.exec(element) ?? []
  if (name.includes(':') || /\sxmlns\s*=/.test(tag)) return element
  return `<${name} xmlns='${NS.client}'${element.slice(1 + name.length)}`
}
