/** RFC 6122 §2.2: the domain of an address, which is a name or an IPv6 address in brackets. */
import { isIPv6 } from 'node:net'
import { domainToASCII } from 'node:url'
import { longestPart, nameprep, type Unassigned } from './prepare.ts'

/**
 * A domain, prepared; undefined if it is none. Labels in Punycode stay as they are written: `xn--mnchen-3ya.example` and
 * `münchen.example` are two addresses, as they are for Prosody.
 */
export function prepareDomain(text: string, unassigned: Unassigned = 'allowed'): string | undefined {
  if (text.length > longestPart) return undefined
  if (text.startsWith('[')) return prepareIpLiteral(text)
  // The dot of the root is not part of the address (RFC 6122 §2.2).
  const end = isDot(text.charCodeAt(text.length - 1)) ? text.length - 1 : text.length
  let domain = ''
  let start = 0
  for (let at = 0; at <= end; at++) {
    if (at < end && !isDot(text.charCodeAt(at))) continue
    const label = prepareLabel(text.slice(start, at), unassigned)
    if (label === undefined) return undefined
    domain = start === 0 ? label : `${domain}.${label}`
    start = at + 1
  }
  return Buffer.byteLength(domain) > longestPart ? undefined : domain
}

/** RFC 3986 §3.2.2; zones have no meaning elsewhere. */
function prepareIpLiteral(text: string): string | undefined {
  if (!text.endsWith(']')) return undefined
  const address = text.slice(1, -1)
  return isIPv6(address) && !address.includes('%') ? text.toLowerCase() : undefined
}

/** The four that separate labels (RFC 3490 §3.1). */
function isDot(code: number): boolean {
  return code === 0x2e || code === 0x3002 || code === 0xff0e || code === 0xff61
}

/**
 * ToASCII must be possible (RFC 6122 §2.2): after nameprep, of ASCII only letters, digits and hyphens, these not at the
 * ends, and 63 bytes at most (RFC 3490 §4.1).
 *
 * DEPARTS RFC 3490 §4.1: underscores are allowed, since networks of containers name their hosts so.
 */
function prepareLabel(text: string, unassigned: Unassigned): string | undefined {
  const label = nameprep(text, unassigned)
  if (label === undefined || label.startsWith('-') || label.endsWith('-')) return undefined
  let isAscii = true
  for (let at = 0; at < label.length; at++) {
    const code = label.charCodeAt(at)
    if (code > 0x7f) isAscii = false
    else if (!isNameCharacter(code)) return undefined
  }
  const wire = isAscii ? label : domainToASCII(label)
  return wire === '' || wire.length > 63 ? undefined : label
}

/** After nameprep there are no capitals. */
function isNameCharacter(code: number): boolean {
  const isLetter = code >= 0x61 && code <= 0x7a
  const isDigit = code >= 0x30 && code <= 0x39
  return isLetter || isDigit || code === 0x2d || code === 0x5f
}
