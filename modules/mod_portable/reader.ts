/**
 * Reads XEP-0227 files as they come. A file may be longer than memory is large, so nothing is kept but the things that
 * belong to an account, one at a time; and each of them goes through the scanner that also reads what clients send.
 */
import type { Element } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'
import { Scanner } from '../../server/xml/scanner.ts'
import { unescapeAttribute } from '../../server/xml/unescape.ts'
import { XmlError } from '../../server/xml/xml-error.ts'

/** An element that belongs to an account. */
export interface Piece {
  readonly host: string
  readonly user: string
  /** The attributes of `<user/>`. */
  readonly attrs: ReadonlyMap<string, string>
  /** The name of the long list that it is in, if it is in one. */
  readonly list: string | undefined
  /** Undefined at the beginning of the account. */
  readonly element: Element | undefined
}

/** Elements that hold things, by what they are in. */
const HOLDERS: ReadonlyMap<string, readonly string[]> = new Map([
  ['', ['server-data']],
  ['server-data', ['host']],
  ['host', ['user']],
  ['user', ['archive', 'offline-messages']],
])

interface Holder {
  readonly name: string
  /** As it is written, with its prefix. */
  readonly tag: string
  readonly attrs: ReadonlyMap<string, string>
}

export class PortableReader {
  readonly #holders: Holder[] = []
  #text = ''
  #scanner: Scanner | undefined
  #scanned: Element | undefined;

  /** Gives what is complete. Throws an XmlError where the file is not well-formed, or has what XMPP does without (RFC 6120 §11.1). */
  *read(chunk: string): Generator<Piece> {
    this.#text += chunk
    for (;;) {
      const end = this.#text.indexOf('>') + 1
      if (end === 0) {
        this.#relieve()
        return
      }
      const markup = this.#text.slice(0, end)
      const isTag = this.#scanner !== undefined || !markup.trimStart().startsWith('<!--') || markup.endsWith('-->')
      const next = isTag ? end : this.#text.indexOf('-->') + 3
      if (next < end) return
      this.#text = this.#text.slice(next)
      if (isTag) yield* this.#take(markup)
    }
  }

  /** Throws an XmlError if the file is not at its end. */
  end(): void {
    if (this.#holders.length > 0 || this.#scanner !== undefined || this.#text.trim() !== '') {
      throw new XmlError('not-well-formed', 'The file ends too early')
    }
  }

  /** A long text goes to the scanner as it comes, and is refused there if it is too long. */
  #relieve(): void {
    if (this.#text.length < LONGEST_TAG) return
    if (this.#scanner === undefined) throw new XmlError('policy-violation', 'A tag is too long')
    this.#scanner.write(Buffer.from(this.#text))
    this.#text = ''
  }

  /** Something that ends with a `>`. */
  *#take(markup: string): Generator<Piece> {
    if (this.#scanner === undefined) {
      const tag = markup.trim()
      if (tag.startsWith('<?') || tag.startsWith('<!--')) return
      const holder = this.#holderOf(tag)
      if (holder !== undefined) {
        if (!tag.endsWith('/>')) this.#holders.push(holder)
        if (holder.name === 'user') yield this.#piece(undefined, holder)
        return
      }
      const current = this.#holders.at(-1)
      if (current !== undefined && /^<\/([^\s>]+)\s*>$/.exec(tag)?.[1] === current.tag) {
        this.#holders.pop()
        return
      }
      this.#scanner = this.#newScanner()
    }
    this.#scanner.write(Buffer.from(markup))
    if (this.#scanned === undefined) return
    const element = this.#scanned
    this.#scanned = undefined
    this.#scanner = undefined
    if (this.#holders.some(({ name }) => name === 'user')) yield this.#piece(element)
  }

  #holderOf(tag: string): Holder | undefined {
    const [, name = '', attributes = ''] = START_TAG.exec(tag) ?? []
    const local = name.slice(name.indexOf(':') + 1)
    const isHolder = HOLDERS.get(this.#holders.at(-1)?.name ?? '')?.includes(local) === true
    if (!isHolder) return undefined
    // As an element without anything in it, it is checked like any other.
    this.#newScanner().write(Buffer.from(tag.replace(/\s*\/?>$/, '/>')))
    this.#scanned = undefined
    const attrs = [...attributes.matchAll(ATTRIBUTE)].map(
      ([, key = '', value = '']) => [key, unescapeAttribute(value.slice(1, -1))] as const,
    )
    return { name: local, tag: name, attrs: new Map(attrs) }
  }

  #piece(element: Element | undefined, opened?: Holder): Piece {
    const holder = (name: string): Holder | undefined => this.#holders.find((each) => each.name === name)
    const user = opened ?? holder('user')
    const list = this.#holders.at(-1)?.name
    return {
      host: holder('host')?.attrs.get('jid') ?? '',
      user: user?.attrs.get('name') ?? '',
      attrs: user?.attrs ?? new Map(),
      list: list === 'user' || opened !== undefined ? undefined : list,
      element,
    }
  }

  /** Where the prefixes are declared that the holders declare. What declares no namespace is taken for a client's. */
  #newScanner(): Scanner {
    const prefixes = new Map(
      this.#holders.flatMap(({ attrs }) => [...attrs].filter(([key]) => key.startsWith('xmlns:'))),
    )
    prefixes.set('xmlns:stream', NS.stream)
    const declared = [...prefixes].map(([key, value]) => ` ${key}='${value.replaceAll("'", '&apos;')}'`).join('')
    const scanner = new Scanner(
      {
        onOpen: () => {},
        onStanza: (stanza) => (this.#scanned = stanza.toElement()),
        onNonza: (element) => (this.#scanned = element),
        onClose: () => {},
      },
      { framing: 'stream', limits: { stanzaBytes: 16 * 1024 * 1024, depth: 64, elements: 1_000_000, attributes: 256 } },
    )
    scanner.write(Buffer.from(`<stream:stream xmlns='${NS.client}'${declared} version='1.0'>`))
    return scanner
  }
}

const ATTRIBUTE = /([^\s=]+)\s*=\s*("[^"<]*"|'[^'<]*')/g
const START_TAG = /^<([^\s/>!?]+)((?:\s+[^\s=]+\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*\/?>$/
const LONGEST_TAG = 64 * 1024
