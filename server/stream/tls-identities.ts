/** Who we are to whom: a certificate for each domain, chosen by the name that a client asks for (RFC 6066 §3). */
import { constants, X509Certificate } from 'node:crypto'
import tls, { type SecureContext, type SecureContextOptions } from 'node:tls'
import { domainToASCII } from 'node:url'

export interface Certificate {
  /** With its chain, PEM. */
  readonly cert: Buffer
  readonly key: Buffer
  /** Authorities that vouch for clients (XEP-0178), PEM; undefined if nobody does. */
  readonly clientAuthorities?: Buffer | undefined
}

/** What a domain shows. Made anew when the certificate changes; connections that are open go on with what they have. */
export interface TlsIdentity {
  readonly options: SecureContextOptions
  readonly context: SecureContext
  /** Without its chain, DER. */
  readonly certificate: Buffer
}

export class TlsIdentities {
  readonly #minVersion: SecureContextOptions['minVersion']
  readonly #byName = new Map<string, TlsIdentity>()

  constructor(minVersion: 'TLSv1.2' | 'TLSv1.3') {
    this.#minVersion = minVersion
  }

  /** Throws if the certificate cannot be used. */
  set(domain: string, { cert, key, clientAuthorities }: Certificate): void {
    const options: SecureContextOptions = {
      cert,
      key,
      ...(clientAuthorities && { ca: clientAuthorities }),
      minVersion: this.#minVersion,
      ciphers: CIPHERS,
      secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
      sessionTimeout: SESSION_SECONDS,
    }
    const context = tls.createSecureContext(options)
    this.#byName.set(nameOf(domain), { options, context, certificate: new X509Certificate(cert).raw })
  }

  /** True if somebody vouches for clients of any domain: whom they want is known only after they were asked. */
  get haveClientAuthorities(): boolean {
    return [...this.#byName.values()].some(({ options }) => options.ca !== undefined)
  }

  delete(domain: string): void {
    this.#byName.delete(nameOf(domain))
  }

  /**
   * The identity of a domain; else that of the domain it is part of; else, and for clients that name nobody, the first
   * that was set. Undefined if there is none at all.
   */
  find(domain: string | undefined): TlsIdentity | undefined {
    const [first] = this.#byName.values()
    if (domain === undefined) return first
    const name = nameOf(domain)
    return this.#byName.get(name) ?? this.#byName.get(name.slice(name.indexOf('.') + 1)) ?? first
  }
}

/** RFC 9325 §4.2: authenticated encryption with forward secrecy, and nothing else. The cheapest first. */
const CIPHERS =
  'TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:' +
  'ECDHE+AESGCM:ECDHE+CHACHA20:!aNULL:!SHA1:!MD5'

/** How long a client that has lost its connection may resume its TLS session. */
const SESSION_SECONDS = 3600

/** As clients write it in TLS: in ASCII. */
function nameOf(domain: string): string {
  return domainToASCII(domain) || domain.toLowerCase()
}
