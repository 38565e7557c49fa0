/** Gives each host its certificate, and a new one when its files change. */
import type { X509Certificate } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Config, HostConfig } from './config/config.ts'
import type { Log } from './log/log.ts'
import {
  CertificateError,
  type CertificateFiles,
  findCertificate,
  isFor,
  makeSelfSigned,
  readAuthorities,
  readCertificate,
  versionOf,
} from './net/certificates.ts'
import type { Certificate } from './stream/tls-identities.ts'
import type { TlsAcceptor } from './stream/tls.ts'
import type { Clock } from './util/clock.ts'

/** How often the files are looked at. */
const LOOK_MILLISECONDS = 60_000

const DAY_MILLISECONDS = 86_400_000

/** With less left than this, the admin is reminded, each day. */
const REMINDER_MILLISECONDS = 14 * DAY_MILLISECONDS

/** What a host shows just now. */
interface Kept {
  readonly files: CertificateFiles
  readonly version: string
  readonly since: number
}

/** Who shows the certificates. */
type Shower = Pick<TlsAcceptor, 'setCertificate' | 'removeCertificate'>
type Host = Pick<HostConfig, 'domain' | 'kind' | 'tls'>

export class CertificateKeeper {
  readonly #tls: Shower
  readonly #log: Log
  readonly #clock: Clock
  readonly #kept = new Map<string, Kept>()
  #watch: Disposable | undefined
  #config: Config | undefined
  /** One look after another. */
  #looking: Promise<void> = Promise.resolve()

  constructor(tls: Shower, log: Log, clock: Clock) {
    this.#tls = tls
    this.#log = log
    this.#clock = clock
  }

  /**
   * Loads the certificates of all hosts, makes one for those that have none, and watches the files. The first time it
   * throws a CertificateError for one that cannot be used; later that is reported, and the one in use stays.
   */
  async start(config: Config): Promise<void> {
    const isFirst = this.#config === undefined
    this.#config = config
    await this.#look(isFirst ? 'throw' : 'report')
    this.#watch ??= this.#clock.every(LOOK_MILLISECONDS, () => void this.#look('report'))
  }

  /** Resolves when nothing is read or written any more. */
  async stop(): Promise<void> {
    this.#watch?.[Symbol.dispose]()
    await this.#looking
  }

  #look(failure: 'throw' | 'report'): Promise<void> {
    const looked = this.#looking.then(() => this.#refreshAll(failure))
    this.#looking = looked.catch(() => {})
    return looked
  }

  async #refreshAll(failure: 'throw' | 'report'): Promise<void> {
    const config = this.#config
    if (config === undefined) return
    for (const host of config.hosts) {
      try {
        await this.#refresh(host, config)
      } catch (error) {
        if (failure === 'throw') throw error
        this.#log.error('certificate cannot be used', { host: host.domain, error })
      }
    }
    for (const domain of this.#kept.keys()) {
      if (config.hosts.some((host) => host.domain === domain)) continue
      this.#kept.delete(domain)
      this.#tls.removeCertificate(domain)
    }
  }

  /** Reads again what has changed; and what is a day old, since the keys of TLS sessions must not be older than that. */
  async #refresh(host: Host, config: Config): Promise<void> {
    const { domain } = host
    const { client_authorities: authorities } = config.server.tls
    const files = await this.#filesOf(host, config)
    const version = await versionOf([files.certificate, files.key, ...(authorities === undefined ? [] : [authorities])])
    const kept = this.#kept.get(domain)
    const since = this.#clock.now()
    const isSame = kept?.files.certificate === files.certificate && kept.version === version
    if (isSame && since < kept.since + DAY_MILLISECONDS) return

    const { cert, key, leaf } = await readCertificate(files)
    const clientAuthorities = authorities === undefined ? undefined : await readAuthorities(authorities)
    this.#use(domain, { cert, key, clientAuthorities }, files.certificate)
    this.#kept.set(domain, { files, version, since })
    if (kept !== undefined && !isSame) this.#log.info('certificate reloaded', { host: domain, path: files.certificate })
    // Clients look at those of hosts with accounts only.
    if (host.kind === 'local') this.#remind(leaf, domain, files.certificate)
  }

  #use(domain: string, certificate: Certificate, path: string): void {
    try {
      this.#tls.setCertificate(domain, certificate)
    } catch (cause) {
      throw new CertificateError(`${path} is not good enough: ${String(cause)}`, { cause })
    }
  }

  #remind(leaf: X509Certificate, domain: string, path: string): void {
    const left = leaf.validToDate.getTime() - this.#clock.now()
    if (!isFor(leaf, domain)) this.#log.warn('certificate is for another domain', { host: domain, path })
    if (left >= REMINDER_MILLISECONDS) return
    const phrase = left < 0 ? 'certificate has expired' : 'certificate expires soon'
    this.#log.warn(phrase, { host: domain, path, seconds: Math.round(left / 1000) })
  }

  async #filesOf({ domain, tls }: Host, config: Config): Promise<CertificateFiles> {
    const directory = config.server.tls.certificates
    return tls ?? findCertificate(directory, domain) ?? findParent(directory, domain) ?? this.#selfSigned(config)
  }

  /** One for all hosts that have none, so that clients can be tried at once. */
  async #selfSigned(config: Config): Promise<CertificateFiles> {
    const path = join(config.server.tls.certificates, 'self-signed')
    const files = { certificate: `${path}.crt`, key: `${path}.key` }
    const domains = config.hosts.map(({ domain }) => domain)
    if (existsSync(files.certificate) && existsSync(files.key)) {
      const { leaf } = await readCertificate(files)
      if (domains.every((domain) => isFor(leaf, domain))) return files
    }
    await makeSelfSigned(domains, files, this.#clock.now())
    this.#log.warn('no certificate found: made one that signs itself', { path: files.certificate })
    return files
  }
}

/** The certificate of `verona.example` often covers `rooms.verona.example`. */
function findParent(directory: string, domain: string): CertificateFiles | undefined {
  const parent = domain.slice(domain.indexOf('.') + 1)
  return parent.includes('.') ? findCertificate(directory, parent) : undefined
}
