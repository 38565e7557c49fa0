/** The certificates of our domains: read from files, read again when they change, made where there are none. */
import { createHash, createPrivateKey, webcrypto, X509Certificate } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'

/** Where the two PEM files of a certificate are. */
export interface CertificateFiles {
  readonly certificate: string
  readonly key: string
}

export interface CertificatePair {
  readonly cert: Buffer
  readonly key: Buffer
  /** Changes when the files do. */
  readonly fingerprint: string
}

/** Says in the admin's words what is wrong with a certificate. */
export class CertificateError extends Error {
  override readonly name = 'CertificateError'
}

/** Reads a certificate with its chain, and its key. Throws CertificateError if they cannot be read or do not belong together. */
export async function readCertificate({ certificate, key }: CertificateFiles): Promise<CertificatePair> {
  const read = async (path: string): Promise<Buffer> => {
    try {
      return await readFile(path)
    } catch (error) {
      throw new CertificateError(`cannot read ${path}: ${String(error)}`, { cause: error })
    }
  }
  const pair = { cert: await read(certificate), key: await read(key) }
  let belongs: boolean
  try {
    belongs = new X509Certificate(pair.cert).checkPrivateKey(createPrivateKey(pair.key))
  } catch (error) {
    throw new CertificateError(`${certificate} or ${key} is not in PEM format: ${String(error)}`, { cause: error })
  }
  if (!belongs) throw new CertificateError(`${key} is not the key of ${certificate}`)
  return { ...pair, fingerprint: createHash('sha256').update(pair.cert).update(pair.key).digest('base64') }
}

/**
 * The files of a domain's certificate in a directory, under the names that
 * certbot, acme.sh and Prosody give them; undefined if there are none.
 */
export function findCertificate(directory: string, domain: string): CertificateFiles | undefined {
  const candidates: readonly CertificateFiles[] = [
    { certificate: join(directory, domain, 'fullchain.pem'), key: join(directory, domain, 'privkey.pem') },
    { certificate: join(directory, domain, 'fullchain.cer'), key: join(directory, domain, `${domain}.key`) },
    { certificate: join(directory, `${domain}.crt`), key: join(directory, `${domain}.key`) },
    { certificate: join(directory, `${domain}.pem`), key: join(directory, `${domain}.key`) },
  ]
  return candidates.find(({ certificate, key }) => existsSync(certificate) && existsSync(key))
}

/** Changes whenever one of the files may have. */
export async function versionOf({ certificate, key }: CertificateFiles): Promise<string> {
  const versions = await Promise.all([certificate, key].map((path) => stat(path).catch(() => undefined)))
  return versions.map((version) => `${version?.mtimeMs} ${version?.size}`).join()
}

const YEARS = 10

/** Makes a certificate for domains that signs itself, and writes it where `files` says. Clients will ask whether to trust it. */
export async function makeSelfSigned(domains: readonly string[], files: CertificateFiles, now: number): Promise<void> {
  // The library's decorators need this at run time; it is loaded only where a certificate is made.
  const x509 = await import('@peculiar/x509')
  x509.cryptoProvider.set(webcrypto as unknown as Parameters<typeof x509.cryptoProvider.set>[0])
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${domains[0]}`,
    notBefore: new Date(now - 86_400_000),
    notAfter: new Date(now + YEARS * 365 * 86_400_000),
    signingAlgorithm: algorithm,
    // The library is typed for the browser's Web Crypto; Node's has the same shape.
    keys: keys as unknown as Parameters<typeof x509.X509CertificateGenerator.createSelfSigned>[0]['keys'],
    extensions: [
      new x509.SubjectAlternativeNameExtension(domains.map((value) => ({ type: 'dns', value }))),
      new x509.BasicConstraintsExtension(false),
    ],
  })
  const key = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  await mkdir(dirname(files.key), { recursive: true })
  await writeFile(files.key, pem('PRIVATE KEY', Buffer.from(key)), { mode: 0o600 })
  await chmod(files.key, 0o600)
  await writeFile(files.certificate, certificate.toString('pem') + '\n')
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString('base64').replace(/.{64}/g, '$&\n').trimEnd()
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`
}
