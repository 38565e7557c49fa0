/** RFC 5802 §5.1 and §7: the messages of SCRAM, taken apart. Anything that the grammar does not allow is refused. */
import { SaslFailure } from './sasl-failure.ts'
import { decodeBase64 } from './text.ts'

export interface ClientFirst {
  /** With its last comma: what the client must repeat in its second message. */
  readonly gs2Header: string
  /** Whether the client binds the channel: it cannot, it thinks that we cannot, or it does with that type. */
  readonly binding: ChannelBindingFlag
  readonly authzid: string | undefined
  readonly username: string
  readonly nonce: string
  /** Everything after the header, as it was sent. */
  readonly bare: string
}

export type ChannelBindingFlag = { readonly flag: 'n' | 'y' } | { readonly flag: 'p'; readonly type: string }

export interface ClientFinal {
  /** As sent: base64 of the header and the channel binding data. */
  readonly channelBinding: string
  readonly nonce: string
  readonly proof: Buffer
  readonly withoutProof: string
}

export function parseClientFirst(text: string): ClientFirst {
  const flagEnd = text.indexOf(',')
  const headerEnd = text.indexOf(',', flagEnd + 1)
  if (flagEnd === -1 || headerEnd === -1) throw malformed('The header is incomplete')

  const bare = text.slice(headerEnd + 1)
  const [username, nonce, ...extensions] = bare.split(',')
  checkExtensions(extensions)
  return {
    gs2Header: text.slice(0, headerEnd + 1),
    binding: parseFlag(text.slice(0, flagEnd)),
    authzid: parseAuthzid(text.slice(flagEnd + 1, headerEnd)),
    username: decodeSaslName(valueOf('n', username)),
    nonce: checkNonce(valueOf('r', nonce)),
    bare,
  }
}

export function parseClientFinal(text: string): ClientFinal {
  const proofAt = text.lastIndexOf(',')
  if (proofAt === -1) throw malformed('The proof is missing')

  const withoutProof = text.slice(0, proofAt)
  const [channelBinding, nonce, ...extensions] = withoutProof.split(',')
  checkExtensions(extensions)
  const proof = decodeBase64(valueOf('p', text.slice(proofAt + 1)))
  if (proof === undefined) throw malformed('The proof is not base64')
  return { channelBinding: valueOf('c', channelBinding), nonce: valueOf('r', nonce), proof, withoutProof }
}

/** The nonce of a client is repeated and hashed: long enough for any, short enough for us. */
const NONCE_CHARS = 256
const NONCE = /^[\x21-\x2b\x2d-\x7e]+$/
const BINDING_TYPE = /^[A-Za-z0-9.-]+$/
const EXTENSION = /^[A-Za-z]=[^\0]+$/
/** Attributes that mean something to SCRAM have their place, and no other. */
const OWN_ATTRIBUTES = 'anmrcsipve'

function parseFlag(text: string): ChannelBindingFlag {
  if (text === 'n' || text === 'y') return { flag: text }
  const type = valueOf('p', text)
  if (!BINDING_TYPE.test(type)) throw malformed('The channel binding type is malformed')
  return { flag: 'p', type }
}

function parseAuthzid(text: string): string | undefined {
  return text === '' ? undefined : decodeSaslName(valueOf('a', text))
}

function valueOf(attribute: string, text: string | undefined): string {
  if (text === undefined || !text.startsWith(`${attribute}=`)) {
    // The answer is the same if a mandatory extension is in its place: `m` MUST cause failure (RFC 5802 §5.1).
    throw malformed(`The attribute ${attribute} is missing or misplaced`)
  }
  return text.slice(2)
}

/** `=2C` and `=3D` stand for the comma and the equals sign; no other use of `=` is allowed (RFC 5802 §5.1). */
function decodeSaslName(text: string): string {
  const hasOnlyEscapes = !text.includes('=') || /^(?:[^=]|=2C|=3D)+$/.test(text)
  if (text === '' || text.includes('\0') || !hasOnlyEscapes) throw malformed('The name is malformed')
  return text.replaceAll('=2C', ',').replaceAll('=3D', '=')
}

function checkNonce(nonce: string): string {
  if (nonce.length > NONCE_CHARS || !NONCE.test(nonce)) throw malformed('The nonce is malformed')
  return nonce
}

/** Optional ones are ignored; mandatory ones and misplaced attributes are not among them (RFC 5802 §5.1). */
function checkExtensions(extensions: readonly string[]): void {
  for (const extension of extensions) {
    if (!EXTENSION.test(extension) || OWN_ATTRIBUTES.includes(extension.charAt(0))) {
      throw malformed('An extension is malformed or misplaced')
    }
  }
}

function malformed(text: string): SaslFailure {
  return new SaslFailure('malformed-request', text)
}
