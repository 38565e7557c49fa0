/** TLS for streams and for the web, after STARTTLS or from the start (RFC 6120 §5, RFC 7590, XEP-0368). */
import type { Socket } from 'node:net'
import tls, { type TLSSocket } from 'node:tls'
import { type Certificate, TlsIdentities, type TlsIdentity } from './tls-identities.ts'
import type { SecureChannel } from './transport.ts'

export interface TlsOptions {
  readonly minVersion: 'TLSv1.2' | 'TLSv1.3'
  /** Ask peers for a certificate whether or not somebody is known who could vouch for it. */
  readonly requestCertificates: boolean
  /** Those who want only others are refused (RFC 7301 §3.2, XEP-0368 §3). */
  readonly protocols: readonly string[]
}

/** So long a peer may be silent during the handshake. Whoever asks for the handshake limits how long it takes in all. */
const SILENCE_MILLISECONDS = 10_000

interface Waiting {
  readonly resolve: (channel: TlsChannel) => void
  readonly reject: (error: Error) => void
}

/**
 * Turns plain sockets into TLS ones. Node verifies the certificates of clients only in a `tls.Server`, so there is one
 * for each identity; none of them listens, the sockets are given to them.
 */
export class TlsAcceptor {
  readonly #options: TlsOptions
  readonly #identities: TlsIdentities
  readonly #servers = new WeakMap<TlsIdentity, tls.Server>()
  readonly #waiting = new WeakMap<Socket, Waiting>()

  constructor(options: TlsOptions, identities: TlsIdentities = new TlsIdentities(options.minVersion)) {
    this.#options = options
    this.#identities = identities
  }

  /** The same certificates for web browsers, which are not asked for one. */
  forWeb(): TlsAcceptor {
    return new TlsAcceptor({ ...this.#options, requestCertificates: false, protocols: [WEB] }, this.#identities)
  }

  /** What a domain, and those below it that have none of their own, show from now on. Throws if it cannot be used. */
  setCertificate(domain: string, certificate: Certificate): void {
    this.#identities.set(domain, certificate)
  }

  removeCertificate(domain: string): void {
    this.#identities.delete(domain)
  }

  /**
   * The channel once the handshake is over; `domain` is whom a client wants that does not say so in TLS (SNI). Rejects,
   * and destroys the socket, if the handshake fails.
   */
  secure(socket: Socket, domain: string | undefined): Promise<TlsChannel> {
    const identity = this.#identities.find(domain)
    if (identity === undefined || socket.destroyed) {
      socket.destroy()
      return Promise.reject(new Error(identity === undefined ? 'there is no certificate' : 'the connection is closed'))
    }
    const { promise, resolve, reject } = Promise.withResolvers<TlsChannel>()
    this.#waiting.set(socket, { resolve, reject })
    // A TLS server accepts connections injected this way (documentation of its event 'connection').
    this.#serverOf(identity).emit('connection', socket)
    return promise
  }

  #serverOf(identity: TlsIdentity): tls.Server {
    const known = this.#servers.get(identity)
    if (known !== undefined) return known
    const { requestCertificates, protocols } = this.#options
    const server = tls.createServer({
      ...identity.options,
      ALPNProtocols: [...protocols],
      requestCert: requestCertificates || (this.#identities.haveClientAuthorities && !protocols.includes(WEB)),
      // Who shows none, or one that nobody vouches for, can log in otherwise (XEP-0178 §2).
      rejectUnauthorized: false,
      handshakeTimeout: SILENCE_MILLISECONDS,
      // oxlint-disable-next-line unicorn/no-null -- that is what Node wants for no error
      SNICallback: (name, answer) => answer(null, this.#identities.find(name)?.context),
    })
    server.on('secureConnection', (socket) => {
      // To ask the socket for the certificate takes longer than the rest of a login.
      const { certificate } = (socket.servername && this.#identities.find(socket.servername)) || identity
      this.#take(socket)?.resolve(new TlsChannel(socket, certificate))
    })
    server.on('tlsClientError', (error, socket) => {
      this.#take(socket)?.reject(error)
      socket.destroy()
    })
    this.#servers.set(identity, server)
    return server
  }

  #take(secured: TLSSocket): Waiting | undefined {
    // Node keeps the socket that was wrapped there and does not document it; spec/server/stream/tls.spec.ts relies on it.
    const { _parent: socket } = secured as TLSSocket & { readonly _parent?: Socket }
    const waiting = socket && this.#waiting.get(socket)
    if (socket !== undefined) this.#waiting.delete(socket)
    return waiting
  }
}

const WEB = 'http/1.1'

/** The channel that a TLS socket is. */
export class TlsChannel implements SecureChannel {
  readonly socket: TLSSocket
  #certificate: Buffer | undefined

  /** `certificate` is what we have shown; the socket is asked for it if that is not known. */
  constructor(socket: TLSSocket, certificate?: Buffer) {
    this.socket = socket
    this.#certificate = certificate
  }

  get protocol(): string {
    return this.socket.getProtocol() ?? 'unknown'
  }

  get certificate(): Buffer | undefined {
    this.#certificate ??= this.socket.getX509Certificate()?.raw
    return this.#certificate
  }

  get finished(): Buffer | undefined {
    const { socket } = this
    if (socket.destroyed) return undefined
    // In a full handshake the client's comes first, in a resumed one the server's (RFC 5929 §3.1).
    return socket.isSessionReused() ? socket.getFinished() : socket.getPeerFinished()
  }

  get peerCertificate(): Buffer | undefined {
    return this.socket.authorized ? this.socket.getPeerX509Certificate()?.raw : undefined
  }

  exportKeyingMaterial(length: number, label: string, context: Buffer): Buffer | undefined {
    return this.socket.destroyed ? undefined : this.socket.exportKeyingMaterial(length, label, context)
  }
}
