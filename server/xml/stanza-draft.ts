/** HOT. The stanza under way: what is noted while its bytes are checked, and made of that when it is complete. */
import { isSame } from './characters.ts'
import { NS } from './ns.ts'
import { type ChildRef, type Head, Stanza, type StanzaName } from './stanza.ts'
import { StartTag } from './start-tag.ts'
import { TextPlaces } from './utf8.ts'

/** A word, and how it looks in the input. */
interface Word<Text extends string = string> {
  readonly text: Text
  readonly bytes: Uint8Array
}

const STANZA_NAMES = (['message', 'presence', 'iq'] as const).map(word)
/** What content is called, known to all streams. */
const CONTENT_NAMESPACES = [NS.client, NS.server, NS.component].map(word)

/** Numbers noted of each child: where it starts, its name ends, its namespace starts and ends, and it ends itself. */
const NOTES = 5
/** Of more numbers the memory is not kept for the next stanza. */
const MOST_KEPT = 500

/** Places that are noted count from the `<` of the stanza, and so stay true when its bytes are moved. */
export class StanzaDraft {
  /** The start tag of the stanza. */
  readonly tag = new StartTag()
  /** True if the element is no stanza, or has something that must not be passed on as it is written. */
  isOdd = false
  readonly #contentNamespaces: readonly Word[]
  /** The namespace of the stream, and of the stanza, if it is one for stanzas. */
  #defaultNs: Word | undefined
  #ns: Word | undefined
  #name: StanzaName = 'message'
  #innerStart = 0
  #notes: number[] = []
  #noted = 0

  constructor(contentNamespaces: readonly string[]) {
    this.#contentNamespaces = contentNamespaces.map(contentNamespace)
  }

  /** The namespace of elements that declare none. */
  set defaultNs(ns: string) {
    this.#defaultNs = this.#contentNamespaces.find(({ text }) => text === ns)
  }

  /** Begins anew with the element at `start`, whose tag has been read and ends at `end`. */
  begin(bytes: Uint8Array, start: number, end: number): void {
    const { tag } = this
    const name = find(STANZA_NAMES, bytes, start + 1, start + tag.nameEnd)
    this.#ns = this.#defaultNs
    if (tag.xmlns !== -1) {
      this.#ns = find(
        this.#contentNamespaces,
        bytes,
        start + tag.valueStart(tag.xmlns),
        start + tag.valueEnd(tag.xmlns),
      )
    }
    this.isOdd = tag.isOdd || name === undefined || this.#ns === undefined
    this.#name = name?.text ?? 'message'
    this.#innerStart = end - start
    this.#noted = 0
  }

  /** Notes the direct child at `place`. */
  beginChild(bytes: Uint8Array, tag: StartTag, place: number, start: number): void {
    const offset = place - start
    const nameEnd = offset + tag.nameEnd
    const declares = tag.xmlns !== -1
    const at = this.#noted
    this.#notes[at] = offset
    this.#notes[at + 1] = nameEnd
    this.#notes[at + 2] = declares ? offset + tag.valueStart(tag.xmlns) : nameEnd
    this.#notes[at + 3] = declares ? offset + tag.valueEnd(tag.xmlns) : nameEnd
    // What is declared without need would tie the child to one kind of stream.
    if (tag.isOdd || (declares && this.#declaresContent(bytes, tag, place))) this.isOdd = true
  }

  endChild(end: number, start: number): void {
    this.#notes[this.#noted + 4] = end - start
    this.#noted += NOTES
  }

  /** Looks at the tag of an element further inside. */
  look(bytes: Uint8Array, tag: StartTag, place: number): void {
    if (tag.isOdd) this.isOdd = true
    else if (tag.xmlns !== -1 && this.#ns?.text !== NS.client && this.#declaresContent(bytes, tag, place)) {
      this.isOdd = true
    }
  }

  /** The stanza at `start`; its end tag, if it has one, is at `innerEnd`. */
  finish(bytes: Buffer, start: number, innerEnd: number): Stanza {
    const text = bytes.toString('utf8', start, innerEnd)
    if (text.length < innerEnd - start) this.#countInText(bytes, start)
    const head = this.#head(text)
    const attributes = this.tag.isNeat && this.tag.xmlns === -1 ? this.tag.attributesSource(text) : undefined
    return new Stanza(this.#name, head, head.extra, text.slice(this.#innerStart), this.#refs(text), attributes)
  }

  #head(text: string): Head & { readonly extra: string } {
    const { tag } = this
    let to: string | undefined
    let from: string | undefined
    let id: string | undefined
    let type: string | undefined
    let lang: string | undefined
    let extra = ''
    for (let i = 0; i < tag.count; i++) {
      switch (tag.attributeName(text, i)) {
        case 'to':
          to = tag.attributeValue(text, i)
          break
        case 'from':
          from = tag.attributeValue(text, i)
          break
        case 'id':
          id = tag.attributeValue(text, i)
          break
        case 'type':
          type = tag.attributeValue(text, i)
          break
        case 'xml:lang':
          lang = tag.attributeValue(text, i)
          break
        case 'xmlns':
          break
        default:
          extra += ` ${tag.attributeSource(text, i)}`
      }
    }
    return { to, from, id, type, lang, extra }
  }

  #refs(text: string): ChildRef[] {
    const notes = this.#notes
    const offset = this.#innerStart
    // oxlint-disable-next-line unicorn/no-new-array -- all the room that it needs, at once
    const refs = new Array<ChildRef>(this.#noted / NOTES)
    for (let at = 0; at < this.#noted; at += NOTES) {
      const start = notes[at]!
      const nameEnd = notes[at + 1]!
      const nsStart = notes[at + 2]!
      refs[at / NOTES] = {
        name: text.slice(start + 1, nameEnd),
        ns: nsStart === nameEnd ? NS.client : text.slice(nsStart, notes[at + 3]),
        start: start - offset,
        end: notes[at + 4]! - offset,
        element: undefined,
      }
    }
    if (notes.length > MOST_KEPT) this.#notes = []
    return refs
  }

  /** Turns all places from those of bytes into those of text. */
  #countInText(bytes: Uint8Array, start: number): void {
    const places = new TextPlaces(bytes, start)
    this.tag.countInText(places)
    this.#innerStart = places.at(this.#innerStart)
    for (let i = 0; i < this.#noted; i++) this.#notes[i] = places.at(this.#notes[i]!)
  }

  /** True if the tag at `place` declares the namespace that the stanza is in. */
  #declaresContent(bytes: Uint8Array, tag: StartTag, place: number): boolean {
    return (
      this.#ns !== undefined &&
      isSame(bytes, place + tag.valueStart(tag.xmlns), place + tag.valueEnd(tag.xmlns), this.#ns.bytes)
    )
  }
}

function word<Text extends string>(text: Text): Word<Text> {
  return { text, bytes: Buffer.from(text) }
}

function contentNamespace(ns: string): Word {
  return CONTENT_NAMESPACES.find(({ text }) => text === ns) ?? word(ns)
}

function find<W extends Word>(words: readonly W[], bytes: Uint8Array, start: number, end: number): W | undefined {
  for (const candidate of words) if (isSame(bytes, start, end, candidate.bytes)) return candidate
  return undefined
}
