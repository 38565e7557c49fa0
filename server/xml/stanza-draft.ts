/** HOT. The stanza under way: what is noted of its tags as they are read. */
import { NS } from './ns.ts'
import { type ChildRef, type Head, Stanza, type StanzaName } from './stanza.ts'
import { isSame, type StartTag } from './start-tag.ts'

const STANZA_NAMES: readonly StanzaName[] = ['message', 'presence', 'iq']

export class StanzaDraft {
  /** The namespace of elements that declare none. */
  defaultNs = ''
  /** True if the element is no stanza, or has something that must not be passed on as it is written. */
  isOdd = false
  readonly #contentNamespaces: readonly string[]
  #contentNs = ''
  #name: StanzaName = 'message'
  #head: Head = {}
  #extra = ''
  #innerStart = 0
  #refs: ChildRef[] = []
  #childName = ''
  #childNs = ''
  #childStart = 0

  constructor(contentNamespaces: readonly string[]) {
    this.#contentNamespaces = contentNamespaces
  }

  /** Takes the tag of a top-level element. Places here and below count from the beginning of that element. */
  begin(text: string, tag: StartTag, end: number): void {
    const name = stanzaName(text, tag)
    this.#contentNs = tag.xmlns === -1 ? this.defaultNs : tag.attributeValue(text, tag.xmlns)
    this.isOdd = tag.isOdd || name === undefined || !this.#contentNamespaces.includes(this.#contentNs)
    if (name === undefined || this.isOdd) return
    this.#name = name
    this.#innerStart = end
    this.#refs = []
    this.#readHead(text, tag)
  }

  /** Takes the tag of a direct child. */
  beginChild(text: string, tag: StartTag, start: number): void {
    this.#childStart = start
    this.#childName = text.slice(tag.nameStart, tag.nameEnd)
    this.#childNs = tag.xmlns === -1 ? NS.client : tag.attributeValue(text, tag.xmlns)
    // What is declared without need would tie the child to one kind of stream.
    if (tag.isOdd || (tag.xmlns !== -1 && this.#childNs === this.#contentNs)) this.isOdd = true
  }

  /** Looks at a tag further inside. */
  look(text: string, tag: StartTag): void {
    if (
      tag.isOdd ||
      (this.#contentNs !== NS.client && tag.xmlns !== -1 && tag.attributeValue(text, tag.xmlns) === this.#contentNs)
    ) {
      this.isOdd = true
    }
  }

  endChild(end: number): void {
    if (this.isOdd) return
    const offset = this.#innerStart
    const start = this.#childStart - offset
    this.#refs.push({ name: this.#childName, ns: this.#childNs, start, end: end - offset, element: undefined })
  }

  /** The whole of it. `source` is the element up to its end tag. */
  finish(source: string): Stanza {
    const inner = source.slice(this.#innerStart)
    return new Stanza(this.#name, this.#head, this.#extra, inner, this.#refs)
  }

  #readHead(text: string, tag: StartTag): void {
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
    this.#head = { to, from, id, type, lang }
    this.#extra = extra
  }
}

function stanzaName(text: string, { nameStart, nameEnd }: StartTag): StanzaName | undefined {
  for (const name of STANZA_NAMES) if (isSame(text, nameStart, nameEnd, name)) return name
  return undefined
}
