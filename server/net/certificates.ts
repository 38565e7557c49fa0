/** The certificates of our domains: found, read and checked, made where there are none. */
import { createPrivateKey, webcrypto, X509Certificate } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, mkdir, readFile, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { domainToASCII } from 'node:url'

/** Where the two PEM files of a certificate are. */
export interface CertificateFiles {
  readonly certificate: string
  readonly key: string
}

export interface CertificatePair {
  /** With its chain, PEM. */
  readonly cert: Buffer
  readonly key: Buffer
  /** That of the domain itself, taken apart. */
  readonly leaf: X509Certificate
}

/** Says in the admin's words what is wrong with a certificate. */
export class CertificateError extends Error {
  override readonly name = 'CertificateError'
}

/** Reads a certificate with its chain, and its key. Throws CertificateError if they cannot be read or do not belong together. */
export async function readCertificate({ certificate, key }: CertificateFiles): Promise<CertificatePair> {
  const pair = { cert: await read(certificate), key: await read(key) }
  const leaf = parse(certificate, () => new X509Certificate(pair.cert))
  const belongs = parse(key, () => leaf.checkPrivateKey(createPrivateKey(pair.key)))
  if (!belongs) throw new CertificateError(`${key} is not the key of ${certificate}`)
  return { ...pair, leaf }
}

/** Reads a file of certificates. Throws CertificateError if there is none in it, or one that cannot be used. */
export async function readAuthorities(path: string): Promise<Buffer> {
  const pem = await read(path)
  const certificates = pem.toString().match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []
  if (certificates.length === 0) throw new CertificateError(`${path} has no certificate in PEM format`)
  for (const certificate of certificates) parse(path, () => new X509Certificate(certificate))
  return pem
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
export async function versionOf(paths: readonly string[]): Promise<string> {
  const versions = await Promise.all(paths.map((path) => stat(path).catch(() => undefined)))
  return versions.map((version) => `${version?.ino} ${version?.mtimeMs} ${version?.size}`).join()
}

/** True if clients that look for the domain will find it in the certificate (RFC 6125). */
export function isFor(leaf: X509Certificate, domain: string): boolean {
  return leaf.checkHost(domainToASCII(domain)) !== undefined
}

const YEARS = 10

/** Makes a certificate for domains that signs itself, and writes it where `files` says. Clients will ask whether to trust it. */
export async function makeSelfSigned(domains: readonly string[], files: CertificateFiles, now: number): Promise<void> {
  // The library's decorators need this at run time; it is loaded only where a certificate is made.
  const x509 = await import('@peculiar/x509')
  x509.cryptoProvider.set(webcrypto as unknown as Parameters<typeof x509.cryptoProvider.set>[0])
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const names = domains.map((domain) => domainToASCII(domain))
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${names[0]}`,
    notBefore: new Date(now - 86_400_000),
    notAfter: new Date(now + YEARS * 365 * 86_400_000),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.SubjectAlternativeNameExtension(names.map((value) => ({ type: 'dns', value }))),
      new x509.BasicConstraintsExtension(false),
    ],
  })
  const key = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  await mkdir(dirname(files.key), { recursive: true })
  await writeFile(files.key, toPem('PRIVATE KEY', Buffer.from(key)), { mode: 0o600 })
  await chmod(files.key, 0o600)
  await writeFile(files.certificate, certificate.toString('pem') + '\n')
}

async function read(path: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (cause) {
    throw new CertificateError(`cannot read ${path}: ${String(cause)}`, { cause })
  }
}

function parse<T>(path: string, run: () => T): T {
  try {
    return run()
  } catch (cause) {
    throw new CertificateError(`${path} is not in PEM format: ${String(cause)}`, { cause })
  }
}

function toPem(label: string, der: Buffer): string {
  const lines = der.toString('base64').replace(/.{64}/g, '$&\n').trimEnd()
  return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`
}
