/** HOT. Cuts a stream into its top-level elements, in one pass that checks everything and builds no tree. */
import {
  AMPERSAND,
  BANG,
  CLASS,
  findBit,
  GREATER,
  ILLEGAL,
  isBlank,
  isNonCharacter,
  LESS,
  NON_CHARACTER_LEAD,
  QUESTION,
  RIGHT_BRACKET,
  skipSpace,
  SLASH,
  TEXT_STOP,
} from './characters.ts'
import { declarationEnd, LONGEST_DECLARATION } from './declaration.ts'
import type { ScannerLimits } from './limits.ts'
import { referenceEnd, UNDECLARED, UNFINISHED } from './reference.ts'
import type { Stanza } from './stanza.ts'
import { StanzaDraft } from './stanza-draft.ts'
import { StartTag } from './start-tag.ts'
import { TagEnd } from './tag-end.ts'
import { type XmlCondition, XmlError } from './xml-error.ts'

/** A part of a stream that is no stanza of the usual form. */
export interface Markup {
  /** The start tag of the stream, its end tag, or an element inside of it. */
  readonly kind: 'header' | 'end' | 'element'
  readonly text: string
}

const CDATA = Buffer.from('<![CDATA[')
/** As nearly all call the root of their streams (RFC 6120 §4.8.5): a copy for each would keep a page of small buffers alive. */
const USUAL_ROOT = Buffer.from('stream:stream')
const NOTHING: Buffer = Buffer.alloc(0)

/**
 * `next` gives one piece after another until the input is used up and `feed`
 * must give more. What there is of an unfinished element is kept.
 *
 * Whatever is wrong is found at the same byte, with the same pieces before it,
 * however the input is cut into chunks: text is checked as far as it has come,
 * a tag once it is complete. Nothing is looked at again and again while it
 * trickles in, but for references and the like, which are short.
 */
export class Cutter {
  limits: ScannerLimits
  readonly #isFramed: boolean
  readonly #draft: StanzaDraft
  /** Any tag but that of a stanza. */
  readonly #tag = new StartTag()

  /** The input, as far as `#end`. If it `#isHeld` it is a copy of ours, with room for more. */
  #bytes = NOTHING
  #end = 0
  #isHeld = false
  /** The first byte that is not dealt with. */
  #place = 0
  /** Looks for the end of a tag that was not complete at the end of the last chunk, from that place on. */
  #tagEnd: TagEnd | undefined
  #searched = 0

  #state: 'header' | 'content' | 'end'
  #root = NOTHING
  /** Where an XML declaration may stand: at the very start; or after white space, which belongs to the stream before. */
  #declarable: 'first' | 'later' | 'no' = 'first'

  /** True from the `<` of a top-level element, which is at `#start`, to its end. */
  #isOpen = false
  #start = 0
  /** Where the names of open elements begin and end, outermost first; counted from `#start`. */
  readonly #names: number[] = []
  #depth = 0
  #elements = 0
  #inCdata = false
  #piece: Stanza | Markup | undefined

  constructor(framing: 'stream' | 'frame', contentNamespaces: readonly string[], limits: ScannerLimits) {
    this.limits = limits
    this.#isFramed = framing === 'frame'
    this.#draft = new StanzaDraft(contentNamespaces)
    this.#state = this.#isFramed ? 'content' : 'header'
  }

  /** The namespace of top-level elements that declare none. */
  set defaultNs(ns: string) {
    this.#draft.defaultNs = ns
  }

  /** True if there is more than white space that has not been given out. */
  get pending(): boolean {
    return this.#isOpen || !isBlank(this.#bytes, this.#place, this.#end)
  }

  /** Expects a new stream. What is pending is its beginning. Only between top-level elements. */
  restart(): void {
    if (this.#depth > 0) throw new Error('a stream cannot begin inside of an element')
    this.#state = this.#isFramed ? 'content' : 'header'
    this.#declarable = 'later'
  }

  /** Adds input, which ends with a whole character. Only when `next` has nothing more to give. */
  feed(chunk: Buffer): void {
    if (this.#isOpen) {
      this.#append(chunk)
      return
    }
    this.#bytes = chunk
    this.#end = chunk.length
    this.#place = 0
    this.#isHeld = false
  }

  /** The next stanza or other piece; undefined if more input is needed. Throws an XmlError, and is of no use after that. */
  next(): Stanza | Markup | undefined {
    if (this.#isInsideTag()) return undefined
    for (;;) {
      const tag = this.#depth === 0 ? this.#skipSpace() : this.#skipText()
      if (tag === UNFINISHED) break
      const end = this.#markup(tag)
      if (end === UNFINISHED) break
      this.#place = end
      const piece = this.#piece
      if (piece !== undefined) {
        this.#piece = undefined
        return piece
      }
    }
    this.#hold()
    return undefined
  }

  /** True if the tag that was cut off by the end of the last chunk is not complete yet. */
  #isInsideTag(): boolean {
    if (this.#tagEnd === undefined) return false
    if (this.#tagEnd.find(this.#bytes, this.#searched, this.#end) === -1) {
      this.#searched = this.#end
      this.#checkSize(this.#end)
      return true
    }
    this.#tagEnd = undefined
    return false
  }

  /** Puts aside what will be needed when there is more, and lets go of the chunk. */
  #hold(): void {
    if (!this.#isOpen) {
      this.#bytes = NOTHING
      this.#end = 0
      this.#place = 0
      return
    }
    this.#checkSize(this.#end)
    if (!this.#isHeld || this.#start > 0) {
      this.#bytes = Buffer.from(this.#bytes.subarray(this.#start, this.#end))
      this.#isHeld = true
      this.#end -= this.#start
      this.#place -= this.#start
      this.#start = 0
    }
    if (!this.#isAtTag()) return
    this.#tagEnd = new TagEnd()
    this.#searched = this.#place + 1
  }

  #append(chunk: Buffer): void {
    const end = this.#end + chunk.length
    if (end > this.#bytes.length) {
      // Twice the room, so that all copying together takes time in proportion to what has come.
      const roomy = Buffer.allocUnsafe(Math.max(end, 2 * this.#end))
      this.#bytes.copy(roomy, 0, 0, this.#end)
      this.#bytes = roomy
    }
    chunk.copy(this.#bytes, this.#end)
    this.#end = end
  }

  #isAtTag(): boolean {
    const second = this.#bytes[this.#place + 1]
    return this.#place + 1 < this.#end && this.#bytes[this.#place] === LESS && second !== BANG && second !== QUESTION
  }

  /** Gives the place of the next `<` between top-level elements, or UNFINISHED. */
  #skipSpace(): number {
    const i = skipSpace(this.#bytes, this.#place, this.#end)
    if (i > this.#place && this.#declarable === 'first') this.#declarable = 'no'
    this.#place = i
    if (i === this.#end) return UNFINISHED
    if (this.#state === 'end') throw new XmlError('not-well-formed', 'Something after the end of the stream')
    if (this.#bytes[i] !== LESS) {
      // Inside of the stream it is well-formed, but means nothing (RFC 6120 §4.9.3.1).
      throw new XmlError(this.#state === 'content' ? 'bad-format' : 'not-well-formed', 'Text outside of an element')
    }
    if (!this.#isOpen) {
      this.#isOpen = true
      this.#start = i
      this.#elements = 0
    }
    return i
  }

  /** Checks the text, or CDATA, inside of an element. Gives the place of the `<` after it, or UNFINISHED. */
  #skipText(): number {
    const bytes = this.#bytes
    const end = this.#end
    let i = this.#place
    for (;;) {
      i = findBit(bytes, i, end, TEXT_STOP)
      this.#place = i
      if (i === end) return UNFINISHED
      const byte = bytes[i]!
      if (byte === LESS && !this.#inCdata) return i
      if ((CLASS[byte]! & ILLEGAL) !== 0) this.#fail(i + 1, 'not-well-formed', 'Illegal character')
      if (byte === NON_CHARACTER_LEAD && isNonCharacter(bytes, i)) this.#fail(i + 3, 'not-well-formed', 'No character')
      if (byte === RIGHT_BRACKET) i = this.#brackets(i)
      else if (byte === AMPERSAND && !this.#inCdata) i = this.#reference(i)
      else i++
      if (i === UNFINISHED) return UNFINISHED
    }
  }

  /** Gives the place after the bracket at `start`, or after the end of CDATA, or UNFINISHED. */
  #brackets(start: number): number {
    const bytes = this.#bytes
    if (start + 1 === this.#end) return UNFINISHED
    if (bytes[start + 1] !== RIGHT_BRACKET) return start + 1
    if (start + 2 === this.#end) return UNFINISHED
    if (bytes[start + 2] !== GREATER) return start + 1
    if (!this.#inCdata) this.#fail(start + 3, 'not-well-formed', '"]]>" in text')
    this.#inCdata = false
    return start + 3
  }

  #reference(start: number): number {
    const end = referenceEnd(this.#bytes, start, this.#end)
    if (end >= UNFINISHED) return end
    let wrong = start + 1
    while (referenceEnd(this.#bytes, start, wrong) === UNFINISHED) wrong++
    if (end === UNDECLARED) this.#fail(wrong, 'restricted-xml', 'Entity reference')
    return this.#fail(wrong, 'not-well-formed', 'Malformed reference')
  }

  /** Deals with what begins with the `<` at `start`. Gives the place after it, or UNFINISHED. */
  #markup(start: number): number {
    this.#place = start
    if (start + 1 === this.#end) return UNFINISHED
    switch (this.#bytes[start + 1]!) {
      case SLASH:
        return this.#depth === 0 ? this.#rootEnd(start) : this.#endTag(start)
      case BANG:
        return this.#cdata(start)
      case QUESTION:
        return this.#declaration(start)
      default:
        return this.#state === 'header' ? this.#header(start) : this.#startTag(start)
    }
  }

  #startTag(start: number): number {
    const bytes = this.#bytes
    const depth = this.#depth
    const { limits } = this
    const tag = depth === 0 ? this.#draft.tag : this.#tag
    const end = tag.read(bytes, start, this.#end, limits.attributes)
    if (end === UNFINISHED) return UNFINISHED
    if (end < 0) return this.#refuse(start, tag.fault.condition, tag.fault.text)
    if (depth >= limits.depth) return this.#refuse(start, 'policy-violation', 'Too many elements inside each other')
    this.#elements++
    if (this.#elements > limits.elements) return this.#refuse(start, 'policy-violation', 'Too many elements')

    if (depth === 0) this.#draft.begin(bytes, start, end)
    else if (depth === 1) this.#draft.beginChild(bytes, tag, start, this.#start)
    else this.#draft.look(bytes, tag, start)
    if (!tag.isEmpty) {
      this.#names[2 * depth] = start + 1 - this.#start
      this.#names[2 * depth + 1] = start + tag.nameEnd - this.#start
      this.#depth = depth + 1
    } else if (depth === 1) this.#draft.endChild(end, this.#start)
    else if (depth === 0) this.#complete(end, end)
    return end
  }

  #endTag(start: number): number {
    const depth = this.#depth - 1
    const names = this.#names
    const origin = this.#start
    const end = this.#closing(start, this.#bytes, origin + names[2 * depth]!, origin + names[2 * depth + 1]!)
    if (end === UNFINISHED) return UNFINISHED
    this.#depth = depth
    if (depth === 1) this.#draft.endChild(end, this.#start)
    else if (depth === 0) this.#complete(start, end)
    return end
  }

  /** Gives the place after the end tag at `start`, whose name must be that in `names` between two places. */
  #closing(start: number, names: Uint8Array, nameStart: number, nameEnd: number): number {
    const bytes = this.#bytes
    let i = start + 2
    for (let k = nameStart; k < nameEnd; k++) {
      if (i === this.#end) return UNFINISHED
      if (bytes[i] !== names[k]) return this.#refuse(start, 'not-well-formed', 'Mismatched end tag')
      i++
    }
    i = skipSpace(bytes, i, this.#end)
    if (i === this.#end) return UNFINISHED
    return bytes[i] === GREATER ? i + 1 : this.#refuse(start, 'not-well-formed', 'Mismatched end tag')
  }

  /** Makes a piece of the top-level element; its end tag, if it has one, is at `innerEnd`. */
  #complete(innerEnd: number, end: number): void {
    this.#checkSize(end)
    this.#piece = this.#draft.isOdd
      ? { kind: 'element', text: this.#bytes.toString('utf8', this.#start, end) }
      : this.#draft.finish(this.#bytes, this.#start, innerEnd)
    this.#close()
  }

  #close(): void {
    this.#isOpen = false
    this.#declarable = 'no'
  }

  #header(start: number): number {
    const tag = this.#tag
    const end = tag.read(this.#bytes, start, this.#end, this.limits.attributes)
    if (end === UNFINISHED) return UNFINISHED
    if (end < 0) return this.#refuse(start, tag.fault.condition, tag.fault.text)
    if (tag.isEmpty) return this.#refuse(start, 'bad-format', 'The stream is empty')
    this.#checkSize(end)
    const root = this.#bytes.subarray(start + 1, start + tag.nameEnd)
    this.#root = USUAL_ROOT.equals(root) ? USUAL_ROOT : Buffer.from(root)
    this.#state = 'content'
    this.#piece = { kind: 'header', text: this.#bytes.toString('utf8', start, end) }
    this.#close()
    return end
  }

  #rootEnd(start: number): number {
    if (this.#isFramed || this.#state === 'header') return this.#refuse(start, 'not-well-formed', 'Surplus end tag')
    const end = this.#closing(start, this.#root, 0, this.#root.length)
    if (end === UNFINISHED) return UNFINISHED
    this.#checkSize(end)
    this.#state = 'end'
    this.#piece = { kind: 'end', text: this.#bytes.toString('utf8', start, end) }
    this.#close()
    return end
  }

  /** Whatever begins with `<!` and is no CDATA is refused (RFC 6120 §11.1). */
  #cdata(start: number): number {
    for (let k = 2; k < CDATA.length; k++) {
      if (start + k === this.#end) return UNFINISHED
      if (this.#bytes[start + k] !== CDATA[k]) this.#fail(start + k + 1, 'restricted-xml', 'Comment or DOCTYPE')
    }
    const end = start + CDATA.length
    if (this.#depth === 0) this.#fail(end, 'not-well-formed', 'CDATA outside of an element')
    this.#inCdata = true
    // Clients that look for text in raw XML do not expect it there.
    this.#draft.isOdd = true
    return end
  }

  #declaration(start: number): number {
    if (this.#isFramed || this.#state !== 'header' || this.#declarable === 'no') {
      this.#fail(start + 2, 'restricted-xml', 'Processing instruction')
    }
    const length = declarationEnd(
      this.#bytes.toString('latin1', start, Math.min(this.#end, start + LONGEST_DECLARATION + 1)),
    )
    if (length === UNFINISHED) return UNFINISHED
    this.#close()
    return start + length
  }

  /** Throws if the top-level element is too big already at `end`. */
  #checkSize(end: number): void {
    if (end - this.#start > this.limits.stanzaBytes) {
      throw new XmlError('policy-violation', 'Too many bytes in one element')
    }
  }

  /** Throws for what is wrong with the character before `end`, unless the limit came first. */
  #fail(end: number, condition: XmlCondition, text: string): never {
    this.#checkSize(end)
    throw new XmlError(condition, text)
  }

  /** Throws for what is wrong with the tag at `start`. An unfinished one is only refused when it ends. */
  #refuse(start: number, condition: XmlCondition, text: string): typeof UNFINISHED {
    const end = new TagEnd().find(this.#bytes, start + 1, this.#end)
    return end === -1 ? UNFINISHED : this.#fail(end + 1, condition, text)
  }
}
