/** TLS for streams: a certificate per domain, STARTTLS and direct TLS through one server that never listens. */
import type { Socket } from 'node:net'
import tls, { type SecureContext, type SecureContextOptions, type TLSSocket } from 'node:tls'
import { constants } from 'node:crypto'
import type { SecureChannel } from './transport.ts'

export interface TlsOptions {
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3'
  /** Ask clients for a certificate (XEP-0178). */
  readonly requestCertificates: boolean
  /** Refuses direct TLS for other protocols than these (XEP-0368 §3). */
  readonly protocols: readonly string[]
}

/** A handshake has to be over by then. */
const HANDSHAKE_MILLISECONDS = 10_000

interface Waiting {
  readonly resolve: (socket: TLSSocket) => void
  readonly reject: (error: Error) => void
}

/**
 * Turns plain sockets into TLS ones. The certificate is chosen by the name the
 * client asks for (SNI); replacing one serves new connections, those that are
 * open go on with the old.
 */
export class TlsAcceptor {
  readonly #server: tls.Server
  readonly #contexts = new Map<string, SecureContext>()
  readonly #waiting = new Map<string, Waiting>()
  #fallback: SecureContext | undefined

  constructor({ minVersion, requestCertificates, protocols }: TlsOptions) {
    this.#server = tls.createServer({
      minVersion,
      ALPNProtocols: [...protocols],
      requestCert: requestCertificates,
      rejectUnauthorized: false,
      handshakeTimeout: HANDSHAKE_MILLISECONDS,
      secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
      SNICallback: (name, answer) => answer(null, this.#contextFor(name)),
    })
    this.#server.on('secureConnection', (socket) => this.#take(socket)?.resolve(socket))
    this.#server.on('tlsClientError', (error, socket) => {
      this.#take(socket)?.reject(error)
      socket.destroy()
    })
  }

  /** The certificate for a domain and its subdomains that have none of their own. The first one also serves clients that ask for no name. */
  setCertificate(domain: string, options: SecureContextOptions): void {
    const context = tls.createSecureContext(options)
    this.#contexts.set(domain, context)
    this.#fallback ??= context
    if (this.#contexts.keys().next().value !== domain) return
    this.#fallback = context
    this.#server.setSecureContext(options)
  }

  /** The socket once the handshake is over. Rejects, and destroys it, if there is none in time or it fails. */
  secure(socket: Socket): Promise<TLSSocket> {
    const key = keyOf(socket)
    const { promise, resolve, reject } = Promise.withResolvers<TLSSocket>()
    const onClose = (): void => {
      this.#waiting.delete(key)
      reject(new Error('connection closed during the TLS handshake'))
    }
    socket.once('close', onClose)
    this.#waiting.set(key, {
      resolve: (secured) => {
        socket.off('close', onClose)
        resolve(secured)
      },
      reject,
    })
    // A TLS server accepts connections injected this way (documentation of its event 'connection').
    this.#server.emit('connection', socket)
    return promise
  }

  #take(socket: TLSSocket): Waiting | undefined {
    const key = keyOf(socket)
    const waiting = this.#waiting.get(key)
    this.#waiting.delete(key)
    return waiting
  }

  #contextFor(name: string): SecureContext | undefined {
    const domain = name.toLowerCase()
    const parent = domain.slice(domain.indexOf('.') + 1)
    return this.#contexts.get(domain) ?? this.#contexts.get(parent) ?? this.#fallback
  }
}

/** What tells one connection to this machine from all others. */
function keyOf(socket: Socket): string {
  return `${socket.remoteAddress} ${socket.remotePort} ${socket.localAddress} ${socket.localPort}`
}

export function channelOf(socket: TLSSocket): SecureChannel {
  return {
    protocol: socket.getProtocol() ?? 'unknown',
    exportKeyingMaterial: (length, label, context) =>
      socket.destroyed ? undefined : socket.exportKeyingMaterial(length, label, context),
    get certificate() {
      return socket.getX509Certificate()?.raw
    },
    get peerCertificate() {
      return socket.authorized ? socket.getPeerX509Certificate()?.raw : undefined
    },
  }
}
