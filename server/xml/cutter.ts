/** HOT. Cuts the text of a stream into its top-level elements, in one pass that checks everything and builds no tree. */
import {
  AMPERSAND,
  BANG,
  CLASS,
  GREATER,
  ILLEGAL,
  isBlank,
  LESS,
  QUESTION,
  RIGHT_BRACKET,
  SLASH,
  SPACE,
  TEXT_STOP,
} from './characters.ts'
import { declarationEnd } from './declaration.ts'
import type { ScannerLimits } from './limits.ts'
import { referenceEnd, UNDECLARED, UNFINISHED } from './reference.ts'
import type { Stanza } from './stanza.ts'
import { StanzaDraft } from './stanza-draft.ts'
import { StartTag } from './start-tag.ts'
import { TagEnd } from './tag-end.ts'
import { type XmlCondition, XmlError } from './xml-error.ts'

/** Raw text of a stream that is no stanza of the usual form. */
export interface Markup {
  /** The start tag of the stream, its end tag, or an element inside of it. */
  readonly kind: 'header' | 'end' | 'element'
  readonly text: string
}

const CDATA = '<![CDATA['

/**
 * `next` gives one piece after another until the text is used up and `feed`
 * must give more. What there is of an unfinished element is kept.
 *
 * Whatever is wrong is found at the same character, with the same pieces before
 * it, however the text is cut into chunks: text is checked as far as it has
 * come, a tag once it is complete. No character is looked at more than three
 * times, but for references, brackets and declarations, which are short.
 */
export class Cutter {
  limits: ScannerLimits
  readonly #isFramed: boolean
  readonly #tag = new StartTag()
  readonly #draft: StanzaDraft

  #text = ''
  /** The first character of the text that is not dealt with. */
  #place = 0
  /** What ended the last chunk and was not complete; `#tagEnd` looks for the rest if it is a tag. */
  #unfinished = ''
  #tagEnd: TagEnd | undefined

  #state: 'header' | 'content' | 'end'
  #root = ''
  /** Where an XML declaration may stand: at the very start; or after white space, which belongs to the stream before. */
  #declarable: 'first' | 'later' | 'no' = 'first'

  /** True from the `<` of a top-level element to its end; the rest says what came of it before the text, and where it goes on. */
  #isOpen = false
  #before = ''
  #start = 0
  /** Bytes of it that have been counted, and the place up to which they were. */
  #bytes = 0
  #counted = 0

  /** Names of the open elements, outermost first. */
  readonly #names: string[] = []
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
    return this.#isOpen || !isBlank(this.#text, this.#place, this.#text.length)
  }

  /** Expects a new stream. What is pending is its beginning. */
  restart(): void {
    this.#state = this.#isFramed ? 'content' : 'header'
    this.#declarable = 'later'
  }

  /** Adds text. Only when `next` has nothing more to give. */
  feed(chunk: string): void {
    if (this.#tagEnd !== undefined && this.#tagEnd.find(chunk, 0) === -1) {
      this.#unfinished += chunk
      this.#count(chunk)
      return
    }
    this.#text = this.#unfinished + chunk
    this.#counted = this.#unfinished.length
    this.#place = 0
    this.#unfinished = ''
    this.#tagEnd = undefined
  }

  /** The next stanza or other piece; undefined if more text is needed. Throws an XmlError, and is of no use after that. */
  next(): Stanza | Markup | undefined {
    if (this.#text === '') return undefined
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

  /** Puts aside what will be needed of the text when there is more. */
  #hold(): void {
    const text = this.#text
    this.#text = ''
    if (!this.#isOpen) {
      // Names are parts of the text and would keep it alive.
      this.#names.length = 0
      return
    }
    this.#count(text.slice(this.#counted))
    this.#before += text.slice(this.#start, this.#place)
    this.#start = 0
    this.#unfinished = text.slice(this.#place)
    if (!isTag(this.#unfinished)) return
    this.#tagEnd = new TagEnd()
    this.#tagEnd.find(this.#unfinished, 1)
  }

  /** Gives the place of the next `<` between top-level elements, or UNFINISHED. */
  #skipSpace(): number {
    const text = this.#text
    let i = this.#place
    while (i < text.length && (CLASS[text.charCodeAt(i)]! & SPACE) !== 0) i++
    if (i > this.#place && this.#declarable === 'first') this.#declarable = 'no'
    this.#place = i
    if (i === text.length) return UNFINISHED
    if (this.#state === 'end') throw new XmlError('not-well-formed', 'Something after the end of the stream')
    if (text.charCodeAt(i) !== LESS) {
      // Inside of the stream it is well-formed, but means nothing (RFC 6120 §4.9.3.1).
      throw new XmlError(this.#state === 'content' ? 'bad-format' : 'not-well-formed', 'Text outside of an element')
    }
    if (!this.#isOpen) {
      this.#isOpen = true
      this.#start = i
      this.#before = ''
      this.#bytes = 0
      this.#counted = i
      this.#elements = 0
    }
    return i
  }

  /** Checks the text, or CDATA, inside of an element. Gives the place of the `<` after it, or UNFINISHED. */
  #skipText(): number {
    const text = this.#text
    let i = this.#place
    for (;;) {
      while (i < text.length && (CLASS[text.charCodeAt(i)]! & TEXT_STOP) === 0) i++
      this.#place = i
      if (i === text.length) return UNFINISHED
      const code = text.charCodeAt(i)
      if ((CLASS[code]! & ILLEGAL) !== 0) this.#fail(i + 1, 'not-well-formed', 'Illegal character')
      if (code === RIGHT_BRACKET) {
        const brackets = text.slice(i, i + 3)
        if (brackets === ']' || brackets === ']]') return UNFINISHED
        if (brackets !== ']]>') i++
        else if (this.#inCdata) {
          this.#inCdata = false
          i += 3
        } else this.#fail(i + 3, 'not-well-formed', '"]]>" in text')
      } else if (this.#inCdata) {
        i++
      } else if (code === AMPERSAND) {
        i = this.#reference(i)
        if (i === UNFINISHED) return UNFINISHED
      } else {
        return i
      }
    }
  }

  #reference(start: number): number {
    const text = this.#text
    const end = referenceEnd(text, start)
    if (end >= UNFINISHED) return end
    let wrong = start + 1
    while (referenceEnd(text.slice(0, wrong), start) === UNFINISHED) wrong++
    if (end === UNDECLARED) this.#fail(wrong, 'restricted-xml', 'Entity reference')
    return this.#fail(wrong, 'not-well-formed', 'Malformed reference')
  }

  /** Deals with what begins with the `<` at `start`. Gives the place after it, or UNFINISHED. */
  #markup(start: number): number {
    this.#place = start
    if (start + 1 === this.#text.length) return UNFINISHED
    switch (this.#text.charCodeAt(start + 1)) {
      case SLASH:
        return this.#depth === 0 ? this.#rootEnd(start) : this.#endTag(start)
      case BANG:
        return this.#cdata(start)
      case QUESTION:
        return this.#declaration(start)
      default:
        return this.#startTag(start)
    }
  }

  #startTag(start: number): number {
    const tag = this.#tag
    const end = tag.read(this.#text, start, this.limits.attributes)
    if (end === UNFINISHED) return UNFINISHED
    if (end < 0) return this.#refuse(start, tag.fault.condition, tag.fault.text)
    if (this.#state === 'header') return this.#header(start, end)

    const depth = this.#depth
    if (depth >= this.limits.depth)
      return this.#refuse(start, 'policy-violation', 'Too many elements inside each other')
    this.#elements++
    if (this.#elements > this.limits.elements) return this.#refuse(start, 'policy-violation', 'Too many elements')
    if (depth === 0) this.#draft.begin(this.#text, tag, this.#offset(end))
    else if (depth === 1) this.#draft.beginChild(this.#text, tag, this.#offset(start))
    else this.#draft.look(this.#text, tag)

    if (!tag.isEmpty) {
      this.#names[depth] = this.#text.slice(tag.nameStart, tag.nameEnd)
      this.#depth = depth + 1
    } else if (depth === 1) this.#draft.endChild(this.#offset(end))
    else if (depth === 0) this.#complete(end, end)
    return end
  }

  #endTag(start: number): number {
    const depth = this.#depth - 1
    const end = this.#closing(start, this.#names[depth]!)
    if (end === UNFINISHED) return UNFINISHED
    this.#depth = depth
    if (depth === 1) this.#draft.endChild(this.#offset(end))
    else if (depth === 0) this.#complete(start, end)
    return end
  }

  /** Gives the place after an end tag of that name. */
  #closing(start: number, name: string): number {
    const text = this.#text
    let i = start + 2
    if (!text.startsWith(name, i)) return this.#refuse(start, 'not-well-formed', 'Mismatched end tag')
    i += name.length
    while (i < text.length && (CLASS[text.charCodeAt(i)]! & SPACE) !== 0) i++
    if (i === text.length) return UNFINISHED
    return text.charCodeAt(i) === GREATER ? i + 1 : this.#refuse(start, 'not-well-formed', 'Mismatched end tag')
  }

  /** Makes a piece of the top-level element; its end tag is from `innerEnd` to `end`. */
  #complete(innerEnd: number, end: number): void {
    this.#checkSize(end)
    const odd = this.#draft.isOdd
    const source = this.#before + this.#text.slice(this.#start, odd ? end : innerEnd)
    this.#piece = odd ? { kind: 'element', text: source } : this.#draft.finish(source)
    this.#close()
  }

  #close(): void {
    this.#isOpen = false
    this.#before = ''
    this.#declarable = 'no'
  }

  #header(start: number, end: number): number {
    this.#checkSize(end)
    if (this.#tag.isEmpty) return this.#refuse(start, 'bad-format', 'The stream is empty')
    this.#root = this.#text.slice(this.#tag.nameStart, this.#tag.nameEnd)
    this.#state = 'content'
    this.#piece = { kind: 'header', text: this.#text.slice(start, end) }
    this.#close()
    return end
  }

  #rootEnd(start: number): number {
    if (this.#isFramed || this.#state === 'header') return this.#refuse(start, 'not-well-formed', 'Surplus end tag')
    const end = this.#closing(start, this.#root)
    if (end === UNFINISHED) return UNFINISHED
    this.#state = 'end'
    this.#piece = { kind: 'end', text: this.#text.slice(start, end) }
    this.#close()
    return end
  }

  /** Whatever begins with `<!` and is no CDATA is refused (RFC 6120 §11.1). */
  #cdata(start: number): number {
    const text = this.#text
    const end = start + CDATA.length
    let i = start
    while (i < end && i < text.length && text.charCodeAt(i) === CDATA.charCodeAt(i - start)) i++
    if (i < end) return i === text.length ? UNFINISHED : this.#fail(i + 1, 'restricted-xml', 'Comment or DOCTYPE')
    if (this.#depth === 0) this.#fail(i, 'not-well-formed', 'CDATA outside of an element')
    this.#inCdata = true
    // Clients that look for text in raw XML do not expect it there.
    this.#draft.isOdd = true
    return i
  }

  #declaration(start: number): number {
    if (this.#isFramed || this.#state !== 'header' || this.#declarable === 'no') {
      this.#fail(start + 2, 'restricted-xml', 'Processing instruction')
    }
    const end = declarationEnd(this.#text, start)
    if (end !== UNFINISHED) this.#close()
    return end
  }

  /** How far from the beginning of the top-level element a place in the text is. */
  #offset(place: number): number {
    return this.#before.length + place - this.#start
  }

  /** Counts text that is put aside. */
  #count(text: string): void {
    this.#bytes += Buffer.byteLength(text)
    if (this.#bytes > this.limits.stanzaBytes) throw tooBig()
  }

  /** Throws if the top-level element is too big already at `end`. */
  #checkSize(end: number): void {
    const { stanzaBytes } = this.limits
    const chars = end - this.#counted
    // No UTF-16 unit takes more than three bytes.
    if (this.#bytes + 3 * chars <= stanzaBytes) return
    if (this.#bytes + Buffer.byteLength(this.#text.slice(this.#counted, end)) > stanzaBytes) throw tooBig()
  }

  /** Throws for what is wrong with the character before `end`, unless the limit came first. */
  #fail(end: number, condition: XmlCondition, text: string): never {
    if (this.#isOpen) this.#checkSize(end)
    throw new XmlError(condition, text)
  }

  /** Throws for what is wrong with the tag at `start`. An unfinished one is only refused when it ends. */
  #refuse(start: number, condition: XmlCondition, text: string): typeof UNFINISHED {
    const end = new TagEnd().find(this.#text, start + 1)
    return end === -1 ? UNFINISHED : this.#fail(end + 1, condition, text)
  }
}

function isTag(text: string): boolean {
  const second = text.charCodeAt(1)
  return text.length > 1 && text.charCodeAt(0) === LESS && second !== BANG && second !== QUESTION
}

function tooBig(): XmlError {
  return new XmlError('policy-violation', 'Too many bytes in one element')
}
