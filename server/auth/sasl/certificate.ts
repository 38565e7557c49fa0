/** RFC 5280: what logging in needs to know of a certificate. Read from its structure, never from a text made of it. */
import { DER, derChildren, derElements, type DerElement } from './der.ts'
import { decodeUtf8 } from './text.ts'

/**
 * The addresses that a certificate is for: its `id-on-xmppAddr` names (RFC 6120
 * §13.7.1.4), as they are written there. Never the common name, which may say
 * anything (CVE-2025-59154). Empty also if the certificate is malformed.
 */
export function xmppAddresses(certificate: Buffer): readonly string[] {
  return subjectAltNames(certificate)
    .slice(0, NAMES_READ)
    .map(xmppAddress)
    .filter((address) => address !== undefined)
}

/** The hash of RFC 5929 §4.1 that goes with the signature of a certificate; undefined if there is none, as for Ed25519. */
export function signatureHash(certificate: Buffer): string | undefined {
  const [, algorithm] = partsOf(certificate) ?? []
  const [oid, parameters] = derChildren(algorithm, DER.sequence) ?? []
  if (oid?.tag !== DER.objectIdentifier) return undefined
  const name = oid.content.toString('hex')
  return name === RSASSA_PSS ? pssHash(parameters) : HASH_OF_SIGNATURE.get(name)
}

/** A certificate with more names is nobody's. */
const NAMES_READ = 100

/** id-on-xmppAddr (1.3.6.1.5.5.7.8.5) and id-ce-subjectAltName (2.5.29.17), as DER has them. */
const XMPP_ADDR = '2b06010505070805'
const SUBJECT_ALT_NAME = '551d11'
const RSASSA_PSS = '2a864886f70d01010a'

/** By object identifier. MD5 and SHA-1 are replaced by SHA-256 (RFC 5929 §4.1). */
const HASH_OF_SIGNATURE: ReadonlyMap<string, string> = new Map([
  ['2a864886f70d010104', 'sha256'], // md5WithRSAEncryption
  ['2a864886f70d010105', 'sha256'], // sha1WithRSAEncryption
  ['2a864886f70d01010e', 'sha224'], // sha224WithRSAEncryption
  ['2a864886f70d01010b', 'sha256'], // sha256WithRSAEncryption
  ['2a864886f70d01010c', 'sha384'], // sha384WithRSAEncryption
  ['2a864886f70d01010d', 'sha512'], // sha512WithRSAEncryption
  ['2a8648ce3d0401', 'sha256'], // ecdsa-with-SHA1
  ['2a8648ce3d040301', 'sha224'], // ecdsa-with-SHA224
  ['2a8648ce3d040302', 'sha256'], // ecdsa-with-SHA256
  ['2a8648ce3d040303', 'sha384'], // ecdsa-with-SHA384
  ['2a8648ce3d040304', 'sha512'], // ecdsa-with-SHA512
])

const HASH_OF_DIGEST: ReadonlyMap<string, string> = new Map([
  ['2b0e03021a', 'sha256'], // id-sha1
  ['608648016503040204', 'sha224'],
  ['608648016503040201', 'sha256'],
  ['608648016503040202', 'sha384'],
  ['608648016503040203', 'sha512'],
])

/** `Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm, signatureValue }` */
function partsOf(certificate: Buffer): readonly DerElement[] | undefined {
  const outer = derElements(certificate)
  return outer?.length === 1 ? derChildren(outer[0], DER.sequence) : undefined
}

/** The GeneralNames of the one extension that may hold them (RFC 5280 §4.2.1.6). */
function subjectAltNames(certificate: Buffer): readonly DerElement[] {
  const fields = derChildren(partsOf(certificate)?.[0], DER.sequence)
  const extensions = fields?.find(({ tag }) => tag === DER.context(3))
  const list = derChildren(derChildren(extensions, DER.context(3))?.[0], DER.sequence) ?? []
  const found = list
    .map((extension) => derChildren(extension, DER.sequence) ?? [])
    .filter(([oid]) => isOid(oid, SUBJECT_ALT_NAME))
  // A second one is an error that readers take differently (RFC 5280 §4.2).
  if (found.length !== 1) return []
  // The value comes last, after an optional mark that the extension is critical.
  const value = found[0]?.at(-1)
  const [names] = (value?.tag === DER.octetString && derElements(value.content)) || []
  return derChildren(names, DER.sequence) ?? []
}

/** `otherName [0] { type-id OBJECT IDENTIFIER, value [0] EXPLICIT UTF8String }` */
function xmppAddress(name: DerElement): string | undefined {
  const [type, value] = derChildren(name, DER.context(0)) ?? []
  if (!isOid(type, XMPP_ADDR)) return undefined
  const [text] = derChildren(value, DER.context(0)) ?? []
  return text?.tag === DER.utf8String ? decodeUtf8(text.content) : undefined
}

/** `RSASSA-PSS-params`, whose hash is `[0] AlgorithmIdentifier`, and SHA-1 if it is left out (RFC 4055 §3.1). */
function pssHash(parameters: DerElement | undefined): string | undefined {
  const fields = derChildren(parameters, DER.sequence)
  if (fields === undefined) return undefined
  const algorithm = fields.find(({ tag }) => tag === DER.context(0))
  if (algorithm === undefined) return 'sha256'
  const [oid] = derChildren(derChildren(algorithm, DER.context(0))?.[0], DER.sequence) ?? []
  return oid && HASH_OF_DIGEST.get(oid.content.toString('hex'))
}

function isOid(element: DerElement | undefined, oid: string): boolean {
  return element?.tag === DER.objectIdentifier && element.content.toString('hex') === oid
}
