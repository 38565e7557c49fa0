/** Entity and character references (XML 1.0 §4.1). */
import { BLANK, CLASS, HASH, isSame, NAME, SEMICOLON, ILLEGAL } from './characters.ts'

/** The input ends before the reference does. */
export const UNFINISHED = -1 as const
/** No reference, or none to a character of XML. */
export const MALFORMED = -2 as const
/** A reference to an entity that would have to be declared (RFC 6120 §11.1). */
export const UNDECLARED = -3 as const

/** The entities that need no declaration (XML 1.0 §4.6). */
const PREDEFINED = ['amp', 'lt', 'gt', 'apos', 'quot'].map((name) => Buffer.from(name))
const LONGEST_NAME = 4
const MOST_DIGITS = 8
const X = 120

/** The place after the reference that begins at `start`, as far as there are bytes before `end`; or one of the above. */
export function referenceEnd(bytes: Uint8Array, start: number, end: number): number {
  if (start + 1 === end) return UNFINISHED
  return bytes[start + 1] === HASH ? characterEnd(bytes, start + 2, end) : entityEnd(bytes, start + 1, end)
}

function entityEnd(bytes: Uint8Array, start: number, end: number): number {
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!
    if (byte === SEMICOLON) {
      if (i === start) return MALFORMED
      return isPredefined(bytes, start, i) ? i + 1 : UNDECLARED
    }
    if ((CLASS[byte]! & NAME) === 0) return MALFORMED
    if (i - start === LONGEST_NAME) return UNDECLARED
  }
  return UNFINISHED
}

function isPredefined(bytes: Uint8Array, start: number, end: number): boolean {
  for (const name of PREDEFINED) if (isSame(bytes, start, end, name)) return true
  return false
}

function characterEnd(bytes: Uint8Array, start: number, end: number): number {
  if (start === end) return UNFINISHED
  const isHex = bytes[start] === X
  const base = isHex ? 16 : 10
  const first = isHex ? start + 1 : start
  let value = 0
  for (let i = first; i < end; i++) {
    const byte = bytes[i]!
    if (byte === SEMICOLON) return i > first && isCharacter(value) ? i + 1 : MALFORMED
    const digit = digitOf(byte)
    if (digit >= base || i - first === MOST_DIGITS) return MALFORMED
    value = value * base + digit
  }
  return UNFINISHED
}

function digitOf(byte: number): number {
  if (byte >= 48 && byte <= 57) return byte - 48
  const lower = byte | 32
  return lower >= 97 && lower <= 102 ? lower - 87 : Infinity
}

/** XML 1.0 §2.2. */
function isCharacter(value: number): boolean {
  if (value < BLANK) return (CLASS[value]! & ILLEGAL) === 0
  return value <= 0xd7ff || (value >= 0xe000 && value <= 0xfffd) || (value >= 0x10000 && value <= 0x10ffff)
}
