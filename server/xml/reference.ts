/** Entity and character references in raw text (XML 1.0 §4.1). */
import { CLASS, HASH, ILLEGAL, NAME, SEMICOLON } from './characters.ts'
import { isPredefined } from './unescape.ts'

/** The text ends before the reference does. */
export const UNFINISHED = -1 as const
/** No reference, or none to a character of XML. */
export const MALFORMED = -2
/** A reference to an entity that would have to be declared (RFC 6120 §11.1). */
export const UNDECLARED = -3

const LONGEST_NAME = 'quot'.length
const MOST_DIGITS = 8
const X = 120

/** The place after the reference that begins at `start`; or UNFINISHED, MALFORMED, UNDECLARED. */
export function referenceEnd(text: string, start: number): number {
  return text.charCodeAt(start + 1) === HASH ? characterEnd(text, start) : entityEnd(text, start)
}

function entityEnd(text: string, start: number): number {
  for (let i = start + 1; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === SEMICOLON) {
      if (i === start + 1) return MALFORMED
      return isPredefined(text.slice(start + 1, i)) ? i + 1 : UNDECLARED
    }
    if ((CLASS[code]! & NAME) === 0) return MALFORMED
    if (i - start > LONGEST_NAME) return UNDECLARED
  }
  return UNFINISHED
}

function characterEnd(text: string, start: number): number {
  const isHex = text.charCodeAt(start + 2) === X
  const base = isHex ? 16 : 10
  const first = start + (isHex ? 3 : 2)
  let value = 0
  for (let i = first; i < text.length; i++) {
    const code = text.charCodeAt(i)
    if (code === SEMICOLON) return i > first && isCharacter(value) ? i + 1 : MALFORMED
    const digit = digitOf(code)
    if (digit >= base || i - first === MOST_DIGITS) return MALFORMED
    value = value * base + digit
  }
  return UNFINISHED
}

function digitOf(code: number): number {
  if (code >= 48 && code <= 57) return code - 48
  const lower = code | 32
  return lower >= 97 && lower <= 102 ? lower - 87 : Infinity
}

/** XML 1.0 §2.2. */
function isCharacter(value: number): boolean {
  if (value > 0xffff) return value <= 0x10ffff
  return (value < 0xd800 || value > 0xdfff) && (CLASS[value]! & ILLEGAL) === 0
}
