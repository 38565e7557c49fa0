/** HOT. Checks start tags and notes where their parts lie (XML 1.0 §3.1). */
import {
  AMPERSAND,
  APOSTROPHE,
  BLANK,
  CLASS,
  COLON,
  EQUALS,
  findBit,
  GREATER,
  ILLEGAL,
  isNonCharacter,
  isSame,
  LESS,
  NAME,
  NAME_START,
  NON_CHARACTER_LEAD,
  QUOTE,
  skipBit,
  skipSpace,
  SLASH,
  URI_STOP,
  VALUE_STOP,
} from './characters.ts'
import { NS } from './ns.ts'
import { MALFORMED, referenceEnd, UNDECLARED, UNFINISHED } from './reference.ts'
import { LONGEST_NAMESPACE } from './scope.ts'
import { unescapeAttribute } from './unescape.ts'
import type { TextPlaces } from './utf8.ts'
import type { XmlCondition } from './xml-error.ts'

/** Given instead of a place: the tag is not acceptable, see `fault`. */
export const REFUSED = -2 as const

interface Fault {
  readonly condition: XmlCondition
  readonly text: string
}
const NO_FAULT: Fault = { condition: 'not-well-formed', text: '' }

/** Numbers noted of each attribute: where its name starts and ends, its value starts and ends, and how that is written. */
const NOTES = 5
/** The value means what is written. */
const PLAIN = 1
const ESCAPED = 0

const LONGEST_NAME = 256
const XML = Buffer.from('xml')
const XMLNS = Buffer.from('xmlns')
/** Namespaces that no element may declare (XML Names §3). */
const NS_XML = Buffer.from(NS.xml)
const NS_XMLNS = Buffer.from(NS.xmlns)

/** The tag that was read last. Places that it notes count from its `<`. */
export class StartTag {
  nameEnd = 0
  /** True for `<name/>`. */
  isEmpty = false
  /** True if there is a prefix other than `xml:` in it, or a namespace that is not written plainly. */
  isOdd = false
  /** True if the attributes are written as we would do it: one blank before each, no other white space, and plain values. */
  isNeat = false
  /** How many attributes there are. */
  count = 0
  /** Which of them declares the default namespace; -1 for none. */
  xmlns = -1
  /** Why the tag was REFUSED. */
  fault = NO_FAULT
  /** `NOTES` of each attribute, one after the other. */
  readonly #notes: number[] = []
  /** In the name that was read last; -1 if there is none. */
  #colon = -1

  /** `text` is the tag, or begins with it. */
  attributeName(text: string, index: number): string {
    return text.slice(this.#notes[NOTES * index], this.#notes[NOTES * index + 1])
  }

  attributeValue(text: string, index: number): string {
    const raw = text.slice(this.#notes[NOTES * index + 2], this.#notes[NOTES * index + 3])
    return this.#notes[NOTES * index + 4] === PLAIN ? raw : unescapeAttribute(raw)
  }

  /** The attribute as it was written, with its quotes. */
  attributeSource(text: string, index: number): string {
    return text.slice(this.#notes[NOTES * index], this.#notes[NOTES * index + 3]! + 1)
  }

  /** All attributes as they were written, with the blanks before them. */
  attributesSource(text: string): string {
    return this.count === 0 ? '' : text.slice(this.nameEnd, this.valueEnd(this.count - 1) + 1)
  }

  valueStart(index: number): number {
    return this.#notes[NOTES * index + 2]!
  }

  valueEnd(index: number): number {
    return this.#notes[NOTES * index + 3]!
  }

  /** Makes places in text of places in bytes. */
  countInText(places: TextPlaces): void {
    const notes = this.#notes
    for (let at = 0; at < NOTES * this.count; at += NOTES) {
      for (let i = at; i < at + 4; i++) notes[i] = places.at(notes[i]!)
    }
  }

  /** Reads the tag whose `<` is at `start`. Gives the place in `bytes` after its `>`, or UNFINISHED, or REFUSED. */
  read(bytes: Uint8Array, start: number, end: number, mostAttributes: number): number {
    this.count = 0
    this.xmlns = -1
    this.isNeat = true
    let i = this.#name(bytes, start + 1, end)
    if (i < 0) return i
    this.nameEnd = i - start
    this.isOdd = this.#colon !== -1
    for (;;) {
      const before = i
      i = skipSpace(bytes, i, end)
      if (i === end) return UNFINISHED
      const byte = bytes[i]
      if (byte === GREATER) {
        this.isEmpty = false
        return i + 1
      }
      if (byte === SLASH) {
        if (i + 1 === end) return UNFINISHED
        if (bytes[i + 1] !== GREATER) return this.#refuse('not-well-formed', 'Slash in a tag')
        this.isEmpty = true
        return i + 2
      }
      if (i !== before + 1 || bytes[before] !== BLANK) this.isNeat = false
      if (i === before) return this.#refuse('not-well-formed', 'White space is missing in a tag')
      if (this.count === mostAttributes) return this.#refuse('policy-violation', 'Too many attributes')
      i = this.#attribute(bytes, i, end, start)
      if (i < 0) return i
    }
  }

  /** Gives the place after the quote that ends the value. */
  #attribute(bytes: Uint8Array, start: number, end: number, origin: number): number {
    const nameEnd = this.#name(bytes, start, end)
    if (nameEnd < 0) return nameEnd
    if (this.#colon !== -1 && !isSame(bytes, start, this.#colon, XML)) this.isOdd = true
    if (this.#isThere(bytes, start, nameEnd, origin)) return this.#refuse('not-well-formed', 'Duplicate attribute')

    let i = skipSpace(bytes, nameEnd, end)
    if (i === end) return UNFINISHED
    if (bytes[i] !== EQUALS) return this.#refuse('not-well-formed', 'Attribute without a value')
    i = skipSpace(bytes, i + 1, end)
    if (i === end) return UNFINISHED
    const quote = bytes[i]
    if (quote !== APOSTROPHE && quote !== QUOTE) return this.#refuse('not-well-formed', 'Attribute without quotes')

    const valueStart = i + 1
    const isXmlns = isSame(bytes, start, nameEnd, XMLNS)
    i = findBit(bytes, valueStart, end, isXmlns ? URI_STOP : VALUE_STOP)
    const isPlain = i < end && bytes[i] === quote
    if (!isPlain) {
      i = this.#valueEnd(bytes, i, end, quote)
      if (i < 0) return i
    }
    if (!isPlain || valueStart !== nameEnd + 2) this.isNeat = false
    if (isXmlns) {
      this.xmlns = this.count
      if (!isPlain || i - valueStart > LONGEST_NAMESPACE || isReserved(bytes, valueStart, i)) this.isOdd = true
    }
    const at = NOTES * this.count
    this.#notes[at] = start - origin
    this.#notes[at + 1] = nameEnd - origin
    this.#notes[at + 2] = valueStart - origin
    this.#notes[at + 3] = i - origin
    this.#notes[at + 4] = isPlain ? PLAIN : ESCAPED
    this.count++
    return i + 1
  }

  /** Gives the place after a name with at most one colon (XML Names §4). */
  #name(bytes: Uint8Array, start: number, end: number): number {
    let i = start
    this.#colon = -1
    for (;;) {
      if (i === end) return UNFINISHED
      if ((CLASS[bytes[i]!]! & NAME_START) === 0) return this.#refuse('not-well-formed', 'Not a name')
      i = skipBit(bytes, i + 1, end, NAME)
      if (i === end) return UNFINISHED
      if (i - start > LONGEST_NAME) return this.#refuse('policy-violation', 'Name too long')
      if (bytes[i] !== COLON || this.#colon !== -1) return i
      this.#colon = i
      i++
    }
  }

  /** Gives the place of the quote that ends a value, from a place on where it has something that is not plain. */
  #valueEnd(bytes: Uint8Array, start: number, end: number, quote: number): number {
    let i = start
    while (i < end) {
      const byte = bytes[i]!
      if (byte === quote) return i
      if (byte === LESS) return this.#refuse('not-well-formed', '"<" in an attribute')
      if ((CLASS[byte]! & ILLEGAL) !== 0 || (byte === NON_CHARACTER_LEAD && isNonCharacter(bytes, i))) {
        return this.#refuse('not-well-formed', 'Illegal character')
      }
      if (byte === AMPERSAND) {
        i = referenceEnd(bytes, i, end)
        if (i === UNFINISHED) return UNFINISHED
        if (i === MALFORMED) return this.#refuse('not-well-formed', 'Malformed reference')
        if (i === UNDECLARED) return this.#refuse('restricted-xml', 'Entity reference')
      } else i++
      i = findBit(bytes, i, end, VALUE_STOP)
    }
    return UNFINISHED
  }

  /** True if the tag has an attribute of that name already. */
  #isThere(bytes: Uint8Array, start: number, end: number, origin: number): boolean {
    for (let index = 0; index < this.count; index++) {
      let other = origin + this.#notes[NOTES * index]!
      if (origin + this.#notes[NOTES * index + 1]! - other !== end - start) continue
      let i = start
      while (i < end && bytes[i] === bytes[other]) {
        i++
        other++
      }
      if (i === end) return true
    }
    return false
  }

  #refuse(condition: XmlCondition, text: string): typeof REFUSED {
    this.fault = { condition, text }
    return REFUSED
  }
}

/** True for the two namespaces that may not be declared as the default one (XML Names §3). */
function isReserved(bytes: Uint8Array, start: number, end: number): boolean {
  return isSame(bytes, start, end, NS_XML) || isSame(bytes, start, end, NS_XMLNS)
}
