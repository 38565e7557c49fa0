/**
 * XML 1.0 with namespaces, restricted as in RFC 6120 §11.1, read strictly and plainly.
 *
 * The client of the plays does not use the server's scanner, so that what the server writes is not judged by the
 * code that wrote it. Nothing here is fast; everything is checked.
 */
import { NS } from './namespaces.ts'
import { attributeKey, isBlank, type XmlNode } from './xml-node.ts'

/** What was read is not XML, or is XML that does not belong into a stream. */
export class XmlError extends Error {
  override readonly name = 'XmlError'
  /** How many characters of the input come before the place. */
  readonly offset: number

  constructor(message: string, offset: number) {
    super(message)
    this.offset = offset
  }
}

/** Told of what is found, in the order of the text. */
export interface XmlListener {
  /** The start tag of a stream; its children are told one by one. */
  onOpen?(root: XmlNode): void
  /** A whole element, with its place in the input. */
  onElement(node: XmlNode, start: number, end: number): void
  /** The end tag of the stream. */
  onClose?(): void
}

/** Namespaces by prefix; the default namespace under ''. */
export type Scope = ReadonlyMap<string, string>

/** A stream is one long element; a list of elements has no element around it. */
export type DocumentKind = 'stream' | 'elements'

const MAX_DEPTH = 1_000
const MAX_TOKEN_CHARS = 16_000_000

const START =
  'A-Z_a-z\\u{C0}-\\u{D6}\\u{D8}-\\u{F6}\\u{F8}-\\u{2FF}\\u{370}-\\u{37D}\\u{37F}-\\u{1FFF}\\u{200C}\\u{200D}' +
  '\\u{2070}-\\u{218F}\\u{2C00}-\\u{2FEF}\\u{3001}-\\u{D7FF}\\u{F900}-\\u{FDCF}\\u{FDF0}-\\u{FFFD}\\u{10000}-\\u{EFFFF}'
const NC_NAME = `[${START}][${START}.0-9\\u{B7}\\u{300}-\\u{36F}\\u{203F}\\u{2040}\\-]*`
const Q_NAME = `${NC_NAME}(?::${NC_NAME})?`
const SPACE = '[ \\t\\r\\n]'
const ATTRIBUTE = `${SPACE}+(${Q_NAME})${SPACE}*=${SPACE}*(?:"([^"<]*)"|'([^'<]*)')`

const startTag = new RegExp(`^<(${Q_NAME})((?:${ATTRIBUTE})*)${SPACE}*(/?)>$`, 'u')
const attribute = new RegExp(ATTRIBUTE, 'gu')
const endTag = new RegExp(`^</(${Q_NAME})${SPACE}*>$`, 'u')
const declaration = new RegExp(
  `^<\\?xml${SPACE}+version=(["'])1\\.0\\1(?:${SPACE}+encoding=(["'])utf-8\\2)?${SPACE}*\\?>$`,
  'iu',
)
const illegalChar = /[^\t\n\r\u{20}-\u{D7FF}\u{E000}-\u{FFFD}\u{10000}-\u{10FFFF}]/u

const noPrefixes: Scope = new Map()

interface OpenElement {
  readonly tag: string
  readonly node: XmlNode
  readonly children: (XmlNode | string)[]
  readonly scope: Scope
  readonly start: number
}

/** Reads text that comes in pieces. Throws `XmlError`, and is of no use after that. */
export class XmlReader {
  readonly #listener: XmlListener
  readonly #kind: DocumentKind
  readonly #outerScope: Scope
  readonly #open: OpenElement[] = []
  #text = ''
  /** Characters of the input that are no longer in `#text`. */
  #dropped = 0
  #ended = false

  constructor(kind: DocumentKind, listener: XmlListener, scope: Scope = noPrefixes) {
    this.#kind = kind
    this.#listener = listener
    this.#outerScope = scope
  }

  write(text: string): void {
    const illegal = text.search(illegalChar)
    if (illegal !== -1) throw new XmlError('illegal character', this.#dropped + this.#text.length + illegal)
    this.#text += text
    if (this.#text.length > MAX_TOKEN_CHARS) throw new XmlError('a token without end', this.#dropped)
    let pos = 0
    for (;;) {
      const end = this.#token(pos)
      if (end === undefined) break
      pos = end
    }
    this.#text = this.#text.slice(pos)
    this.#dropped += pos
  }

  /** Throws unless the input may end here. */
  end(): void {
    const [open] = this.#open
    if (open !== undefined) throw new XmlError(`<${open.tag}> is not closed`, open.start)
    if (!isBlank(this.#text)) throw new XmlError('unfinished markup', this.#dropped)
  }

  /** Reads the text or the markup at `pos`; gives where it ends, or nothing if it is not all here yet. */
  #token(pos: number): number | undefined {
    const text = this.#text
    if (pos === text.length) return undefined
    const markup = text.indexOf('<', pos)
    if (markup !== pos) return this.#characters(pos, markup)
    const end = markupEnd(text, pos)
    if (end === -1) return undefined
    const token = text.slice(pos, end)
    if (this.#ended) throw this.#error('something follows the end of the stream', pos)
    if (token.startsWith('<![CDATA[')) this.#cdata(token, pos)
    else if (token.startsWith('<?')) this.#declaration(token, pos)
    else if (token.startsWith('<!')) throw this.#error('comments and DTDs are forbidden', pos)
    else if (token.startsWith('</')) this.#endTag(token, pos, end)
    else this.#startTag(token, pos, end)
    return end
  }

  #characters(pos: number, markup: number): number | undefined {
    const isOutside = this.#open.length <= this.#rootDepth
    const end = markup === -1 ? this.#text.length : markup
    if (markup === -1 && !isOutside) return undefined
    const text = this.#text.slice(pos, end)
    if (isOutside && !isBlank(text)) throw this.#error(`text between elements: ${text.trim().slice(0, 40)}`, pos)
    if (isOutside) return end
    if (text.includes(']]>')) throw this.#error(']]> in text', pos)
    this.#append(this.#decode(text.replace(/\r\n?/g, '\n'), pos))
    return end
  }

  #cdata(token: string, pos: number): void {
    if (this.#open.length <= this.#rootDepth) throw this.#error('text between elements', pos)
    this.#append(token.slice('<![CDATA['.length, -']]>'.length).replace(/\r\n?/g, '\n'))
  }

  #declaration(token: string, pos: number): void {
    const isFirst = this.#kind === 'stream' && this.#dropped + pos === 0
    if (!isFirst || !declaration.test(token)) throw this.#error('processing instructions are forbidden', pos)
  }

  #startTag(token: string, pos: number, end: number): void {
    const [, tag = '', attributes = ''] = startTag.exec(token) ?? []
    if (tag === '') throw this.#error(`malformed tag ${token.slice(0, 60)}`, pos)
    if (this.#open.length === MAX_DEPTH) throw this.#error('nested too deeply', pos)
    const opened = this.#element(tag, attributes, pos)
    this.#open.push(opened)
    const isRoot = this.#open.length === this.#rootDepth
    if (isRoot) this.#listener.onOpen?.(opened.node)
    if (token.endsWith('/>')) this.#closeElement(end)
  }

  #endTag(token: string, pos: number, end: number): void {
    const open = this.#open.at(-1)
    if (endTag.exec(token)?.[1] === open?.tag && open !== undefined) return this.#closeElement(end)
    throw this.#error(open === undefined ? `${token} closes nothing` : `${token} where <${open.tag}> is open`, pos)
  }

  #closeElement(end: number): void {
    const closed = this.#open.pop()
    if (closed === undefined) return
    if (this.#open.length > this.#rootDepth) return this.#append(closed.node)
    if (this.#open.length === this.#rootDepth) {
      return this.#listener.onElement(closed.node, closed.start, this.#dropped + end)
    }
    this.#ended = true
    this.#listener.onClose?.()
  }

  #element(tag: string, attributes: string, pos: number): OpenElement {
    const written = new Map<string, string>()
    for (const [, name = '', quoted, apostrophed] of attributes.matchAll(attribute)) {
      if (written.has(name)) throw this.#error(`attribute ${name} twice`, pos)
      written.set(name, this.#decode((quoted ?? apostrophed ?? '').replace(/\r\n|[\t\r\n]/g, ' '), pos))
    }
    const scope = this.#declare(written, pos)
    const children: (XmlNode | string)[] = []
    const node: XmlNode = {
      ...this.#resolve(tag, scope.get('') ?? '', scope, pos),
      attributes: this.#attributes(written, scope, pos),
      children,
    }
    return { tag, node, children, scope, start: this.#dropped + pos }
  }

  #declare(written: ReadonlyMap<string, string>, pos: number): Scope {
    const outer = this.#open.at(-1)?.scope ?? this.#outerScope
    const declared: [string, string][] = []
    for (const [name, ns] of written) {
      if (!isDeclaration(name)) continue
      const prefix = name.slice('xmlns:'.length)
      if (prefix === 'xmlns' || (prefix === 'xml') !== (ns === NS.xml) || ns === NS.xmlns) {
        throw this.#error(`${name}='${ns}' is reserved`, pos)
      }
      if (prefix !== '' && ns === '') throw this.#error(`prefix ${prefix} has no namespace`, pos)
      declared.push([prefix, ns])
    }
    return declared.length === 0 ? outer : new Map([...outer, ...declared])
  }

  #attributes(written: ReadonlyMap<string, string>, scope: Scope, pos: number): ReadonlyMap<string, string> {
    const attributes = new Map<string, string>()
    for (const [source, value] of written) {
      if (isDeclaration(source)) continue
      const { name, ns } = this.#resolve(source, '', scope, pos)
      const key = ns === '' ? name : attributeKey(ns, name)
      if (attributes.has(key)) throw this.#error(`attribute ${source} twice`, pos)
      attributes.set(key, value)
    }
    return attributes
  }

  #resolve(written: string, unprefixed: string, scope: Scope, pos: number): { name: string; ns: string } {
    const colon = written.indexOf(':')
    if (colon === -1) return { name: written, ns: unprefixed }
    const prefix = written.slice(0, colon)
    const ns = prefix === 'xml' ? NS.xml : scope.get(prefix)
    if (ns === undefined) throw this.#error(`prefix ${prefix} is not declared`, pos)
    return { name: written.slice(colon + 1), ns }
  }

  #decode(raw: string, pos: number): string {
    return raw.replace(/&([^&;]*);?/g, (reference, entity: string) => {
      const char = reference.endsWith(';') ? decodeEntity(entity) : undefined
      if (char === undefined) throw this.#error(`no such entity: ${reference.slice(0, 12)}`, pos)
      return char
    })
  }

  #append(child: XmlNode | string): void {
    this.#open.at(-1)?.children.push(child)
  }

  /** How many elements are open between the children of which nothing is said. */
  get #rootDepth(): number {
    return this.#kind === 'stream' ? 1 : 0
  }

  #error(message: string, pos: number): XmlError {
    return new XmlError(message, this.#dropped + pos)
  }
}

/** The first of the elements in a text, and its place there. Throws `XmlError`, also if there is none. */
export function readFirstElement(text: string, scope: Scope): { node: XmlNode; start: number; end: number } {
  let first: { node: XmlNode; start: number; end: number } | undefined
  const reader = new XmlReader('elements', { onElement: (node, start, end) => (first ??= { node, start, end }) }, scope)
  try {
    reader.write(text)
    reader.end()
  } catch (error) {
    // What follows the first element is nobody's business.
    if (first === undefined) throw error
  }
  if (first === undefined) throw new XmlError('an element is missing', 0)
  return first
}

/** Where the markup that begins at `start` ends, or -1 if its end has not come yet. */
function markupEnd(text: string, start: number): number {
  if (text.startsWith('<![CDATA[', start)) return after(text, ']]>', start)
  if (text.startsWith('<?', start)) return after(text, '?>', start)
  if (text.startsWith('<!', start)) return '<![CDATA['.startsWith(text.slice(start)) ? -1 : start + '<!'.length
  let quote = ''
  for (let at = start; at < text.length; at++) {
    const char = text.charAt(at)
    if (quote === '' && char === '>') return at + 1
    if (char === quote) quote = ''
    else if (quote === '' && (char === '"' || char === "'")) quote = char
  }
  return -1
}

const isDeclaration = (attributeName: string): boolean =>
  attributeName === 'xmlns' || attributeName.startsWith('xmlns:')

function after(text: string, end: string, start: number): number {
  const at = text.indexOf(end, start)
  return at === -1 ? -1 : at + end.length
}

const namedEntities: ReadonlyMap<string, string> = new Map([
  ['amp', '&'],
  ['lt', '<'],
  ['gt', '>'],
  ['apos', "'"],
  ['quot', '"'],
])

function decodeEntity(entity: string): string | undefined {
  const [, decimal, hexadecimal] = /^#(?:([0-9]{1,7})|x([0-9a-fA-F]{1,6}))$/.exec(entity) ?? []
  if (decimal === undefined && hexadecimal === undefined) return namedEntities.get(entity)
  const code = decimal === undefined ? Number.parseInt(hexadecimal ?? '', 16) : Number(decimal)
  if (code > 0x10_ff_ff) return undefined
  const char = String.fromCodePoint(code)
  return illegalChar.test(char) ? undefined : char
}
