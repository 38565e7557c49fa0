/** HOT. Checks start tags and notes where their parts lie (XML 1.0 §3.1). */
import {
  AMPERSAND,
  APOSTROPHE,
  CLASS,
  COLON,
  EQUALS,
  GREATER,
  LESS,
  NAME,
  NAME_START,
  QUOTE,
  SLASH,
  SPACE,
  URI_STOP,
  VALUE_STOP,
  ILLEGAL,
} from './characters.ts'
import { NS } from './ns.ts'
import { MALFORMED, referenceEnd, UNDECLARED, UNFINISHED } from './reference.ts'
import { unescapeAttribute } from './unescape.ts'
import type { XmlCondition } from './xml-error.ts'

/** Given instead of a place: the tag is not acceptable, see `fault`. */
export const REFUSED = -2

const LONGEST_NAME = 256
const XMLNS = 'xmlns'

/** What the last tag that was read consists of. Places are those in the text that was given. */
export class StartTag {
  nameStart = 0
  nameEnd = 0
  /** True for `<name/>`. */
  isEmpty = false
  /** True if there is a prefix other than `xml:` on an attribute, or a namespace that is not written plainly. */
  isOdd = false
  /** Which attribute is the default namespace; -1 for none. */
  xmlns = -1
  /** How many attributes there are. */
  count = 0
  fault: { readonly condition: XmlCondition; readonly text: string } = { condition: 'not-well-formed', text: '' }
  #isPrefixed = false
  readonly #nameStarts: number[] = []
  readonly #nameEnds: number[] = []
  readonly #valueStarts: number[] = []
  readonly #valueEnds: number[] = []

  attributeName(text: string, index: number): string {
    return text.slice(this.#nameStarts[index], this.#nameEnds[index])
  }

  attributeValue(text: string, index: number): string {
    return unescapeAttribute(text.slice(this.#valueStarts[index], this.#valueEnds[index]))
  }

  /** The attribute as it was written, with its quotes. */
  attributeSource(text: string, index: number): string {
    return text.slice(this.#nameStarts[index], this.#valueEnds[index]! + 1)
  }

  /** Reads the tag whose `<` is at `start`. Gives the place after its `>`, or UNFINISHED, or REFUSED. */
  read(text: string, start: number, mostAttributes: number): number {
    this.xmlns = -1
    this.count = 0
    this.nameStart = start + 1
    let i = this.#name(text, start + 1)
    if (i < 0) return i
    this.nameEnd = i
    this.isOdd = this.#isPrefixed
    for (;;) {
      const end = i
      while (i < text.length && (CLASS[text.charCodeAt(i)]! & SPACE) !== 0) i++
      if (i === text.length) return UNFINISHED
      const code = text.charCodeAt(i)
      if (code === GREATER) {
        this.isEmpty = false
        return i + 1
      }
      if (code === SLASH) {
        if (i + 1 === text.length) return UNFINISHED
        if (text.charCodeAt(i + 1) !== GREATER) return this.#refuse('not-well-formed', 'Slash in a tag')
        this.isEmpty = true
        return i + 2
      }
      if (i === end) return this.#refuse('not-well-formed', 'White space is missing in a tag')
      if (this.count === mostAttributes) return this.#refuse('policy-violation', 'Too many attributes')
      i = this.#attribute(text, i)
      if (i < 0) return i
    }
  }

  /** Gives the place after the quote that ends the value. */
  #attribute(text: string, start: number): number {
    const nameEnd = this.#name(text, start)
    if (nameEnd < 0) return nameEnd
    if (this.#isPrefixed && !text.startsWith('xml:', start)) this.isOdd = true

    let i = spaceEnd(text, nameEnd)
    if (i === text.length) return UNFINISHED
    if (text.charCodeAt(i) !== EQUALS) return this.#refuse('not-well-formed', 'Attribute without a value')
    i = spaceEnd(text, i + 1)
    if (i === text.length) return UNFINISHED
    const quote = text.charCodeAt(i)
    if (quote !== APOSTROPHE && quote !== QUOTE) return this.#refuse('not-well-formed', 'Attribute without quotes')

    const valueStart = i + 1
    const isXmlns = nameEnd - start === XMLNS.length && text.startsWith(XMLNS, start)
    const valueEnd = this.#value(text, isXmlns ? this.#namespace(text, valueStart, quote) : valueStart, quote)
    if (valueEnd < 0) return valueEnd
    if (this.#isThere(text, start, nameEnd)) return this.#refuse('not-well-formed', 'Duplicate attribute')
    if (isXmlns) this.xmlns = this.count
    this.#nameStarts[this.count] = start
    this.#nameEnds[this.count] = nameEnd
    this.#valueStarts[this.count] = valueStart
    this.#valueEnds[this.count] = valueEnd
    this.count++
    return valueEnd + 1
  }

  /** Gives the place after a name with at most one colon (XML Names §4). */
  #name(text: string, start: number): number {
    let i = start
    this.#isPrefixed = false
    for (;;) {
      if (i === text.length) return UNFINISHED
      if ((CLASS[text.charCodeAt(i)]! & NAME_START) === 0) return this.#refuse('not-well-formed', 'Not a name')
      do i++
      while (i < text.length && (CLASS[text.charCodeAt(i)]! & NAME) !== 0)
      if (i === text.length) return UNFINISHED
      if (i - start > LONGEST_NAME) return this.#refuse('policy-violation', 'Name too long')
      if (this.#isPrefixed || text.charCodeAt(i) !== COLON) return i
      this.#isPrefixed = true
      i++
    }
  }

  /** Gives the place of the quote that ends a value. */
  #value(text: string, start: number, quote: number): number {
    let i = start
    for (;;) {
      while (i < text.length && (CLASS[text.charCodeAt(i)]! & VALUE_STOP) === 0) i++
      if (i === text.length) return UNFINISHED
      const code = text.charCodeAt(i)
      if (code === quote) return i
      if (code === LESS) return this.#refuse('not-well-formed', '"<" in an attribute')
      if ((CLASS[code]! & ILLEGAL) !== 0) return this.#refuse('not-well-formed', 'Illegal character')
      if (code !== AMPERSAND) {
        i++
        continue
      }
      i = referenceEnd(text, i)
      if (i === MALFORMED) return this.#refuse('not-well-formed', 'Malformed reference')
      if (i === UNDECLARED) return this.#refuse('restricted-xml', 'Entity reference')
      if (i === UNFINISHED) return UNFINISHED
    }
  }

  /** Gives a place up to which the name of a namespace is written plainly; if it is not so to its end, the tag is odd. */
  #namespace(text: string, start: number, quote: number): number {
    let i = start
    while (i < text.length && (CLASS[text.charCodeAt(i)]! & URI_STOP) === 0) i++
    if (text.charCodeAt(i) !== quote || isSame(text, start, i, NS.xml) || isSame(text, start, i, NS.xmlns))
      this.isOdd = true
    return i
  }

  /** True if the tag has an attribute of that name already. */
  #isThere(text: string, start: number, end: number): boolean {
    for (let index = 0; index < this.count; index++) {
      const other = this.#nameStarts[index]!
      if (this.#nameEnds[index]! - other === end - start && isSameText(text, other, start, end - start)) return true
    }
    return false
  }

  #refuse(condition: XmlCondition, text: string): number {
    this.fault = { condition, text }
    return REFUSED
  }
}

function spaceEnd(text: string, start: number): number {
  let i = start
  while (i < text.length && (CLASS[text.charCodeAt(i)]! & SPACE) !== 0) i++
  return i
}

/** True if the text has `what`, and nothing else, between the two places. */
export function isSame(text: string, start: number, end: number, what: string): boolean {
  return end - start === what.length && text.startsWith(what, start)
}

/** True if the text has the same at both places, for `length` characters. */
function isSameText(text: string, a: number, b: number, length: number): boolean {
  for (let i = 0; i < length; i++) if (text.charCodeAt(a + i) !== text.charCodeAt(b + i)) return false
  return true
}
