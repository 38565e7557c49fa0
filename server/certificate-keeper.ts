/** Gives each host its certificate, and a new one when its files change. */
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Config } from './config/config.ts'
import type { Log } from './log/log.ts'
import {
  type CertificateFiles,
  findCertificate,
  makeSelfSigned,
  readCertificate,
  versionOf,
} from './net/certificates.ts'
import type { TlsAcceptor } from './stream/tls.ts'
import type { Clock } from './util/clock.ts'

/** How often the files are looked at. */
const LOOK_MILLISECONDS = 60_000

interface Kept {
  readonly files: CertificateFiles
  readonly version: string
}

export class CertificateKeeper {
  readonly #tls: TlsAcceptor
  readonly #log: Log
  readonly #clock: Clock
  readonly #kept = new Map<string, Kept>()
  #watch: Disposable | undefined
  #config: Config | undefined

  constructor(tls: TlsAcceptor, log: Log, clock: Clock) {
    this.#tls = tls
    this.#log = log
    this.#clock = clock
  }

  /** Loads the certificates of all hosts, makes one for those that have none, and watches the files. Throws CertificateError. */
  async start(config: Config): Promise<void> {
    this.#config = config
    for (const { domain, tls } of config.hosts) await this.#load(domain, await this.#filesOf(domain, tls, config))
    this.#watch ??= this.#clock.every(LOOK_MILLISECONDS, () => void this.#look())
  }

  stop(): void {
    this.#watch?.[Symbol.dispose]()
  }

  /** Reads again what has changed. A file that cannot be used is reported, and the certificate in use stays. */
  async #look(): Promise<void> {
    for (const { domain, tls } of this.#config?.hosts ?? []) {
      try {
        const files = await this.#filesOf(domain, tls, this.#config as Config)
        const kept = this.#kept.get(domain)
        if (kept?.files.certificate === files.certificate && kept.version === (await versionOf(files))) continue
        await this.#load(domain, files)
        this.#log.info('certificate reloaded', { host: domain, path: files.certificate })
      } catch (error) {
        this.#log.error('certificate cannot be used', { host: domain, error })
      }
    }
  }

  async #load(domain: string, files: CertificateFiles): Promise<void> {
    const version = await versionOf(files)
    const { cert, key } = await readCertificate(files)
    this.#tls.setCertificate(domain, { cert, key })
    this.#kept.set(domain, { files, version })
  }

  async #filesOf(domain: string, own: CertificateFiles | undefined, config: Config): Promise<CertificateFiles> {
    const directory = config.server.tls.certificates
    return own ?? findCertificate(directory, domain) ?? findParent(directory, domain) ?? this.#selfSigned(config)
  }

  /** One for all hosts that have none, so that clients can be tried at once. */
  async #selfSigned(config: Config): Promise<CertificateFiles> {
    const path = join(config.server.tls.certificates, 'self-signed')
    const files = { certificate: `${path}.crt`, key: `${path}.key` }
    if (existsSync(files.certificate) && existsSync(files.key)) return files
    const domains = config.hosts.map(({ domain }) => domain)
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
