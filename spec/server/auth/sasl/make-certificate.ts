/** Makes certificates for tests, so that none has to be stored: RFC 5280, self-signed, with any names one likes. */
import { constants, generateKeyPairSync, sign, type KeyObject } from 'node:crypto'

export type Signature =
  | 'ecdsa-sha256'
  | 'ecdsa-sha384'
  | 'ecdsa-sha1'
  | 'rsa-sha1'
  | 'rsa-sha256'
  | 'rsa-sha512'
  | 'rsa-pss-sha384'
  | 'ed25519'

export interface MadeCertificate {
  readonly der: Buffer
  readonly pem: string
  readonly keyPem: string
}

export interface CertificateOptions {
  readonly signature?: Signature
  readonly commonName?: string
  /** Instead of the one with the names. */
  readonly extensions?: readonly Buffer[]
}

/** A certificate for a year, whose subject alternative names are these, and whose common name is that. */
export function makeCertificate(
  names: readonly Buffer[],
  { signature = 'ecdsa-sha256', commonName = 'test', extensions = [subjectAltName(names)] }: CertificateOptions = {},
): MadeCertificate {
  const { algorithm, keys, signed } = SIGNATURES[signature]()
  const name = sequence(tlv(0x31, sequence(oid('2.5.4.3'), utf8(commonName))))
  const validity = sequence(utcTime(new Date(Date.now() - 86_400_000)), utcTime(new Date(Date.now() + 31_536_000_000)))
  const body = sequence(
    tlv(0xa0, tlv(0x02, Buffer.from([2]))),
    tlv(0x02, Buffer.from([1])),
    algorithm,
    name,
    validity,
    name,
    keys.publicKey.export({ type: 'spki', format: 'der' }),
    tlv(0xa3, sequence(...extensions)),
  )
  const der = sequence(body, algorithm, tlv(0x03, Buffer.from([0]), signed(body, keys.privateKey)))
  const lines = der.toString('base64').match(/.{1,64}/g) ?? []
  return {
    der,
    pem: `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`,
    keyPem: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  }
}

export function subjectAltName(names: readonly Buffer[], { critical = false } = {}): Buffer {
  const mark = critical ? [tlv(0x01, Buffer.from([0xff]))] : []
  return sequence(oid('2.5.29.17'), ...mark, tlv(0x04, sequence(...names)))
}

export const xmppAddr = (address: string): Buffer => otherName('1.3.6.1.5.5.7.8.5', utf8(address))
export const otherName = (type: string, value: Buffer): Buffer => tlv(0xa0, oid(type), tlv(0xa0, value))
export const dnsName = (name: string): Buffer => tlv(0x82, Buffer.from(name))
export const utf8 = (text: string): Buffer => tlv(0x0c, Buffer.from(text))

export function tlv(tag: number, ...contents: readonly Buffer[]): Buffer {
  const content = Buffer.concat(contents)
  if (content.length < 0x80) return Buffer.concat([Buffer.from([tag, content.length]), content])
  const length = Buffer.from(content.length.toString(16).padStart(4, '0'), 'hex')
  return Buffer.concat([Buffer.from([tag, 0x80 | length.length]), length, content])
}

export const sequence = (...contents: readonly Buffer[]): Buffer => tlv(0x30, ...contents)

export function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split('.').map(Number)
  return tlv(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]))
}

interface Signing {
  readonly algorithm: Buffer
  readonly keys: { readonly publicKey: KeyObject; readonly privateKey: KeyObject }
  readonly signed: (data: Buffer, key: KeyObject) => Buffer
}

const NULL = tlv(0x05)
const ec = (name: string, hash: string): Signing => ({
  algorithm: sequence(oid(name)),
  keys: generateKeyPairSync('ec', { namedCurve: 'prime256v1' }),
  signed: (data, key) => sign(hash, data, key),
})
const rsa = (name: string, hash: string): Signing => ({
  algorithm: sequence(oid(name), NULL),
  keys: generateKeyPairSync('rsa', { modulusLength: 2048 }),
  signed: (data, key) => sign(hash, data, key),
})

const SIGNATURES: Readonly<Record<Signature, () => Signing>> = {
  'ecdsa-sha1': () => ec('1.2.840.10045.4.1', 'sha1'),
  'ecdsa-sha256': () => ec('1.2.840.10045.4.3.2', 'sha256'),
  'ecdsa-sha384': () => ec('1.2.840.10045.4.3.3', 'sha384'),
  'rsa-sha1': () => rsa('1.2.840.113549.1.1.5', 'sha1'),
  'rsa-sha256': () => rsa('1.2.840.113549.1.1.11', 'sha256'),
  'rsa-sha512': () => rsa('1.2.840.113549.1.1.13', 'sha512'),
  'rsa-pss-sha384': () => ({
    ...rsa('1.2.840.113549.1.1.10', 'sha384'),
    algorithm: sequence(oid('1.2.840.113549.1.1.10'), pssParameters('2.16.840.1.101.3.4.2.2', 48)),
    signed: (data, key) => sign('sha384', data, { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 48 }),
  }),
  ed25519: () => ({
    algorithm: sequence(oid('1.3.101.112')),
    keys: generateKeyPairSync('ed25519'),
    signed: (data, key) => sign(null, data, key),
  }),
}

function pssParameters(hash: string, saltLength: number): Buffer {
  const algorithm = sequence(oid(hash), NULL)
  return sequence(
    tlv(0xa0, algorithm),
    tlv(0xa1, sequence(oid('1.2.840.113549.1.1.8'), algorithm)),
    tlv(0xa2, tlv(0x02, Buffer.from([saltLength]))),
  )
}

function utcTime(date: Date): Buffer {
  const digits = date.toISOString().replace(/\D/g, '').slice(2, 14)
  return tlv(0x17, Buffer.from(`${digits}Z`))
}

function base128(number: number): number[] {
  const digits = [number & 0x7f]
  for (let rest = number >>> 7; rest > 0; rest >>>= 7) digits.unshift((rest & 0x7f) | 0x80)
  return digits
}
