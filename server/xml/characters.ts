/** HOT. What each byte of UTF-8 may be in XML (XML 1.0 §2.2, §2.3), as bits in one table. */

/** May begin a name. Names are ASCII: editions of XML disagree on others, and so do the parsers of clients. */
export const NAME_START = 1
/** May be in a name. The colon is not: it parts a prefix from a local name (XML Names §4). */
export const NAME = 2
export const SPACE = 4
/** Ends plain character data: `<`, `&`, `]`, `ILLEGAL`, or the first byte of what may be no character. */
export const TEXT_STOP = 8
/** Ends the plain part of an attribute value: a quote, `<`, `&`, and as above; white space that is no blank as well. */
export const VALUE_STOP = 16
/** Is in no URI (RFC 3986 §2), or is the apostrophe, a quote or `&`. */
export const URI_STOP = 32
/** A control character that XML does not have. */
export const ILLEGAL = 64

export const TAB = 9
export const LF = 10
export const CR = 13
export const BLANK = 32
export const BANG = 33
export const QUOTE = 34
export const HASH = 35
export const AMPERSAND = 38
export const APOSTROPHE = 39
export const SLASH = 47
export const COLON = 58
export const SEMICOLON = 59
export const LESS = 60
export const EQUALS = 61
export const GREATER = 62
export const QUESTION = 63
export const RIGHT_BRACKET = 93
/** U+FFFE and U+FFFF, which are no characters, begin with it in UTF-8: EF BF BE, EF BF BF. */
export const NON_CHARACTER_LEAD = 0xef

/** The bits of every byte. */
export const CLASS = classify()

// The two loops that nearly all time is spent in. As functions of their own they are compiled well wherever they are used.

/** The first place, from `start` on, with a byte that has the bit; or `end`. */
export function findBit(bytes: Uint8Array, start: number, end: number, bit: number): number {
  let i = start
  while (i < end && (CLASS[bytes[i]!]! & bit) === 0) i++
  return i
}

/** The first place, from `start` on, with a byte that has not the bit; or `end`. */
export function skipBit(bytes: Uint8Array, start: number, end: number, bit: number): number {
  let i = start
  while (i < end && (CLASS[bytes[i]!]! & bit) !== 0) i++
  return i
}

/** The first place, from `start` on, that is no white space; or `end`. Mostly there is none. */
export function skipSpace(bytes: Uint8Array, start: number, end: number): number {
  return start < end && bytes[start]! > BLANK ? start : skipBit(bytes, start, end, SPACE)
}

/** True if U+FFFE or U+FFFF is at that place, whose byte is NON_CHARACTER_LEAD. */
export function isNonCharacter(bytes: Uint8Array, place: number): boolean {
  return bytes[place + 1] === 0xbf && bytes[place + 2]! >= 0xbe
}

/** True if there is nothing but white space between the two places. */
export function isBlank(bytes: Uint8Array, start: number, end: number): boolean {
  return skipBit(bytes, start, end, SPACE) === end
}

/** True if `word` is what lies between the two places, and nothing else. */
export function isSame(bytes: Uint8Array, start: number, end: number, word: Uint8Array): boolean {
  if (end - start !== word.length) return false
  for (let i = 0; i < word.length; i++) if (bytes[start + i] !== word[i]) return false
  return true
}

function classify(): Uint8Array {
  const table = new Uint8Array(256)
  const mark = (bit: number, chars: string): void => {
    for (const char of chars) table[char.charCodeAt(0)]! |= bit
  }
  const letters = 'abcdefghijklmnopqrstuvwxyz'
  const names = `_${letters}${letters.toUpperCase()}`
  const digits = '0123456789'
  table.fill(ILLEGAL | TEXT_STOP | VALUE_STOP, 0, BLANK)
  for (const legal of [TAB, LF, CR]) table[legal] = 0
  table[NON_CHARACTER_LEAD] = TEXT_STOP | VALUE_STOP
  for (let byte = 0; byte < 256; byte++) table[byte]! |= URI_STOP
  for (const char of `${names}${digits}-._~:/?#[]@!$()*+,;=%`) table[char.charCodeAt(0)]! &= ~URI_STOP
  mark(NAME_START | NAME, names)
  mark(NAME, `${digits}-.`)
  mark(SPACE, ' \t\n\r')
  mark(TEXT_STOP, '<&]')
  mark(VALUE_STOP, `<&'"\t\n\r`)
  return table
}
