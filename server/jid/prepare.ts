/**
 * RFC 6122 §2.3, §2.4 and appendices A and B; RFC 3491: the profiles of stringprep (RFC 3454) that make equal what
 * should be equal in addresses, and refuse what has no place there.
 */
import { caseFolding, classOf, corrections, type Mapping } from './unicode.ts'

/**
 * What to do with code points that are unassigned in Unicode 3.2, as all emoji are: take them as they are, as addresses
 * of others must be (a query in RFC 3454 §7), or refuse, where names are given out (a stored string).
 */
export type Unassigned = 'allowed' | 'refused'

/** In bytes of UTF-8 (RFC 6122 §2.1). */
export const longestPart = 1023

/** A node, prepared; undefined if it is none. */
export function nodeprep(text: string, unassigned: Unassigned = 'allowed'): string | undefined {
  return prepare(text, node, unassigned)
}

/** A resource, prepared; undefined if it is none. */
export function resourceprep(text: string, unassigned: Unassigned = 'allowed'): string | undefined {
  return prepare(text, resource, unassigned)
}

/** A label of a domain, prepared; undefined if stringprep has no use for it. `prepareDomain` asks for more. */
export function nameprep(text: string, unassigned: Unassigned = 'allowed'): string | undefined {
  return prepare(text, name, unassigned)
}

interface Profile {
  /** By ASCII code: `FOLDED`, `PROHIBITED`, or neither. */
  readonly ascii: Uint8Array
  readonly mapping: Mapping
}

const FOLDED = 1
const PROHIBITED = 2

// Tables C.1.1 and C.2.1, and what RFC 6122 adds in appendix A.5.
const controls = `${String.fromCodePoint(...Array.from({ length: 32 }).keys())}\x7f`
const node: Profile = { ascii: asciiRules(`${controls} "&'/:<>@`, caseFolding), mapping: caseFolding }
const resource: Profile = { ascii: asciiRules(controls, corrections), mapping: corrections }
const name: Profile = { ascii: asciiRules('', caseFolding), mapping: caseFolding }

function asciiRules(prohibited: string, mapping: Mapping): Uint8Array {
  return Uint8Array.from({ length: 128 }, (_, code) => {
    if (prohibited.includes(String.fromCodePoint(code))) return PROHIBITED
    return mapping.has(code) ? FOLDED : 0
  })
}

function prepare(text: string, profile: Profile, unassigned: Unassigned): string | undefined {
  if (text.length === 0 || text.length > longestPart) return undefined
  const { ascii } = profile
  let found = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code > 0x7f) return prepareBeyondAscii(text, profile, unassigned)
    found |= ascii[code]!
  }
  if ((found & PROHIBITED) !== 0) return undefined
  return (found & FOLDED) === 0 ? text : text.toLowerCase()
}

function prepareBeyondAscii(text: string, profile: Profile, unassigned: Unassigned): string | undefined {
  const normal = map(text, profile.mapping, unassigned)
  if (normal === undefined || normal === '') return undefined
  if (isProhibited(normal, profile) || !isOfOneDirection(normal)) return undefined
  return Buffer.byteLength(normal) > longestPart ? undefined : normal
}

/** Mapping and normalisation (RFC 3454 §3 and §4); undefined if it meets an unassigned code point and may not. */
function map(text: string, mapping: Mapping, unassigned: Unassigned): string | undefined {
  let normal = ''
  let piece = ''
  for (let at = 0; at < text.length;) {
    const codePoint = text.codePointAt(at)!
    const character = String.fromCodePoint(codePoint)
    at += character.length
    const its = classOf(codePoint)
    if (its === 'U') {
      if (unassigned === 'refused') return undefined
      // Node knows these code points; Unicode 3.2 leaves them where and as they are.
      normal += piece.normalize('NFKC') + character
      piece = ''
    } else if (its !== 'Z') {
      piece += mapping.get(codePoint) ?? character
    }
  }
  return normal + piece.normalize('NFKC')
}

/** RFC 3454 §5. */
function isProhibited(text: string, { ascii }: Profile): boolean {
  for (let at = 0; at < text.length; at++) {
    const codePoint = text.codePointAt(at)!
    if (codePoint < 0x80 ? ascii[codePoint] === PROHIBITED : classOf(codePoint) === 'P') return true
    if (codePoint > 0xffff) at++
  }
  return false
}

/**
 * RFC 3454 §6: where something is written from right to left, nothing is from left to right, and the ends are from
 * right to left. The direction of an unassigned code point is not known, so that it may be anywhere.
 */
function isOfOneDirection(text: string): boolean {
  let left = false
  let right = false
  let last: string | undefined
  for (let at = 0; at < text.length; at++) {
    const codePoint = text.codePointAt(at)!
    if (codePoint > 0xffff) at++
    last = classOf(codePoint)
    left ||= last === 'L'
    right ||= last === 'R'
  }
  if (!right) return true
  const first = classOf(text.codePointAt(0)!)
  return !left && [first, last].every((its) => its === 'R' || its === 'U')
}
