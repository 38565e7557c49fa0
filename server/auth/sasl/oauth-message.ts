/** RFC 7628 §3.1: what a client says in OAUTHBEARER, taken apart. */
import { SaslFailure } from './sasl-failure.ts'

export interface BearerMessage {
  readonly authzid: string | undefined
  /** Empty if the client only wants to know where tokens are to be had (RFC 7628 §4.3). */
  readonly token: string
}

/** `n,a=user@example.org,^Ahost=…^Aauth=Bearer …^A^A`. Throws `malformed-request`. */
export function parseBearerMessage(text: string): BearerMessage {
  const [header = '', ...rest] = text.split(SEPARATOR)
  const flags = HEADER.exec(header)
  // Each pair ends with a separator, and another one ends the message.
  const [last, end] = rest.slice(-2)
  if (flags === null || rest.length < 2 || last !== '' || end !== '') throw malformed('The message is incomplete')
  const pairs = new Map(rest.slice(0, -2).map(readPair))
  return { authzid: decodeName(flags[1]), token: readToken(pairs.get('auth') ?? '') }
}

const SEPARATOR = '\x01'
/** Neither `p`, since nothing is bound here, nor an authorization mechanism name (RFC 5801 §4). */
const HEADER = /^[ny],(?:a=([^,]+))?,$/
const PAIR = /^([A-Za-z]+)=([\t\n\r\x20-\x7e]*)$/
/** RFC 6750 §2.1. The scheme may be in any case (RFC 9110 §11.1). */
const BEARER = /^bearer +([A-Za-z0-9._~+/-]+=*) *$/i

function readPair(pair: string): readonly [key: string, value: string] {
  const [, key, value] = PAIR.exec(pair) ?? []
  if (key === undefined || value === undefined) throw malformed('A pair is malformed')
  return [key, value]
}

function readToken(auth: string): string {
  if (/^(?:bearer *)?$/i.test(auth)) return ''
  const [, token] = BEARER.exec(auth) ?? []
  if (token === undefined) throw malformed('That is no bearer token')
  return token
}

function decodeName(text: string | undefined): string | undefined {
  if (text === undefined) return undefined
  if (!/^(?:[^=]|=2C|=3D)+$/.test(text)) throw malformed('The name is malformed')
  return text.replaceAll('=2C', ',').replaceAll('=3D', '=')
}

function malformed(text: string): SaslFailure {
  return new SaslFailure('malformed-request', text)
}
