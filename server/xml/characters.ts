/** HOT. What each UTF-16 unit may be in XML (XML 1.0 §2.2, §2.3), as bits in one table. */

/** May begin a name. Names are ASCII: editions of XML disagree on others, and so do the parsers of clients. */
export const NAME_START = 1
/** May be in a name. The colon is not: it parts a prefix from a local name (XML Names §4). */
export const NAME = 2
export const SPACE = 4
/** Ends plain character data: `<`, `&`, `]`, or no legal character. */
export const TEXT_STOP = 8
/** Ends the plain part of an attribute value: a quote, `<`, `&`, white space but the blank, or no legal character. */
export const VALUE_STOP = 16
/** Is in no URI (RFC 3986 §2), or is the apostrophe, a quote or `&`. */
export const URI_STOP = 32
/** Is no character of XML at all. Surrogates pass: input in UTF-8 has them in pairs only. */
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
export const LEFT_BRACKET = 91
export const RIGHT_BRACKET = 93

/** The bits of every UTF-16 unit. */
export const CLASS = classify()

/** True if there is nothing but white space between the two places. */
export function isBlank(text: string, start: number, end: number): boolean {
  for (let i = start; i < end; i++) if ((CLASS[text.charCodeAt(i)]! & SPACE) === 0) return false
  return true
}

function classify(): Uint8Array {
  const table = new Uint8Array(65536)
  const mark = (bit: number, chars: string): void => {
    for (const char of chars) table[char.charCodeAt(0)]! |= bit
  }
  const letters = 'abcdefghijklmnopqrstuvwxyz'
  const names = `_${letters}${letters.toUpperCase()}`
  const digits = '0123456789'
  for (let code = 0; code < 65536; code++) {
    const legal = code >= BLANK ? code < 0xfffe : code === TAB || code === LF || code === CR
    table[code] = URI_STOP | (legal ? 0 : ILLEGAL | TEXT_STOP | VALUE_STOP)
  }
  for (const char of `${names}${digits}-._~:/?#[]@!$()*+,;=%`) table[char.charCodeAt(0)]! &= ~URI_STOP
  mark(NAME_START | NAME, names)
  mark(NAME, `${digits}-.`)
  mark(SPACE, ' \t\n\r')
  mark(TEXT_STOP, '<&]')
  mark(VALUE_STOP, `<&'"\t\n\r`)
  return table
}
