/**
 * What a scanner has to do, in the plainest way: all input at once, one expression for each piece of the grammar, a
 * tree for everything. It knows neither chunks nor limits.
 */
import { isUtf8 } from 'node:buffer'
import { NS } from '../../server/xml/ns.ts'

/** An element whose names are resolved, or text. Attributes are sorted; those with a prefix have their namespace for it. */
export type Node = string | Tree
export interface Tree {
  readonly name: string
  readonly ns: string
  readonly attrs: readonly (readonly [name: string, value: string])[]
  readonly children: readonly Node[]
}

export interface Reading {
  /** The children of the stream that are complete. */
  readonly elements: readonly Tree[]
  readonly isClosed: boolean
  /** True if there is anything that no stream may have. */
  readonly isRefused: boolean
}

type Scope = ReadonlyMap<string, string>
interface Open {
  readonly tag: string
  readonly scope: Scope
  readonly element: {
    readonly name: string
    readonly ns: string
    readonly attrs: Tree['attrs']
    readonly children: Node[]
  }
}

const NAME = '[A-Za-z_][A-Za-z0-9_.-]*(?::[A-Za-z_][A-Za-z0-9_.-]*)?'
const S = '[ \\t\\r\\n]'
const ATTRIBUTE = `${S}+(${NAME})${S}*=${S}*("[^<"]*"|'[^<']*')`
const START = new RegExp(`^<(${NAME})((?:${ATTRIBUTE})*)${S}*(/?)>$`)
const END = new RegExp(`^</(${NAME})${S}*>$`)
/** A tag ends at `>` outside of quotes, or where a `<` shows that it never will. */
const TAG = /^<(?:[^<>"']|"[^<"]*"|'[^<']*')*(?:>|"[^<"]*<|'[^<']*<|<)/
const DECLARATION = /^<\?xml[ \t\r\n]+version=(?:'1\.0'|"1\.0")[ \t\r\n]*\?>/
const LEGAL = /^[\t\n\r\u0020-\ufffd]*$/
const URI = /^[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=%]*$/

class Refusal extends Error {}

/** Reads a stream from its header on. */
export function readStream(bytes: Buffer): Reading {
  const { text, isWhole } = decode(bytes)
  const reader = new Reader(text)
  try {
    reader.read()
    return { elements: reader.elements, isClosed: reader.isClosed, isRefused: !isWhole }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return { elements: reader.elements, isClosed: reader.isClosed, isRefused: true }
  }
}

/** The tree of one element, in the namespace of stanzas. */
export function readElement(text: string): Tree {
  const header = `<s:stream xmlns:s='${NS.stream}' xmlns='${NS.client}'>`
  const { elements, isRefused } = readStream(Buffer.from(header + text))
  const [element, other] = elements
  if (element === undefined || other !== undefined || isRefused) throw new Error(`not one element: ${text}`)
  return element
}

/** The beginning of a character, as bytes. */
const PART_OF_CHARACTER = /(?:[\xc2-\xdf]|[\xe0-\xef][\x80-\xbf]?|[\xf0-\xf4][\x80-\xbf]{0,2})$/

/** What the bytes say, up to where they are not UTF-8. A part of a character at their end does not count. */
function decode(bytes: Buffer): { readonly text: string; readonly isWhole: boolean } {
  const whole = Buffer.from(bytes.toString('latin1').replace(PART_OF_CHARACTER, ''), 'latin1')
  if (isUtf8(whole)) return { text: whole.toString(), isWhole: true }
  let end = whole.length - 1
  while (!isUtf8(whole.subarray(0, end))) end--
  return { text: whole.toString('utf8', 0, end), isWhole: false }
}

class Reader {
  readonly elements: Tree[] = []
  isClosed = false
  readonly #text: string
  readonly #open: Open[] = []
  #place = 0
  #isDoomed = false

  constructor(text: string) {
    this.#text = text
  }

  read(): void {
    this.#place = DECLARATION.exec(this.#text)?.[0].length ?? 0
    while (this.#step());
  }

  /** False if the rest is the beginning of something. */
  #step(): boolean {
    const rest = this.#text.slice(this.#place)
    if (rest === '') return false
    if (this.isClosed && !/^[ \t\r\n]/.test(rest)) throw new Refusal()
    if (rest.startsWith('<![CDATA[') && this.#open.length > 1) return this.#cdata(rest)
    if (rest.startsWith('<')) return this.#tag(rest)
    return this.#characters(rest)
  }

  #characters(rest: string): boolean {
    const text = /^[^<]*/.exec(rest)?.[0] ?? ''
    if (this.#open.length < 2) {
      if (/[^ \t\r\n]/.test(text)) throw new Refusal()
      this.#place += text.length
      return true
    }
    // What is cut off by the end of the input may still become a reference, or the end of CDATA.
    const whole =
      text === rest ? text.replace(/(?:&(?:#(?:x[0-9a-fA-F]{0,8}|[0-9]{0,8})|[a-zA-Z0-9_.-]{0,4})|\]{1,2})$/, '') : text
    if (!LEGAL.test(whole) || whole.includes(']]>')) throw new Refusal()
    this.#addText(expand(whole.replace(/\r\n?/g, '\n')))
    this.#place += whole.length
    return whole === text
  }

  #cdata(rest: string): boolean {
    const end = rest.indexOf(']]>')
    const text = rest.slice(9, end === -1 ? undefined : end)
    if (!LEGAL.test(text)) throw new Refusal()
    if (end === -1) return false
    this.#addText(text.replace(/\r\n?/g, '\n'))
    this.#place += end + 3
    return true
  }

  #tag(rest: string): boolean {
    if (/^<[!?]/.test(rest)) {
      if (
        ('<![CDATA['.startsWith(rest) && rest.length < 9) ||
        (this.#place === 0 && rest.length < 5 && '<?xml'.startsWith(rest))
      )
        return false
      if (this.#place === 0 && /^<\?xml[^>]*$/.test(rest)) return false
      throw new Refusal()
    }
    const tag = TAG.exec(rest)?.[0]
    if (tag === undefined) return false
    const start = START.exec(tag)
    const end = END.exec(tag)
    if (start !== null) this.#start(start[1]!, start[2]!, start.at(-1) === '/')
    else if (end !== null && end[1] === this.#open.at(-1)?.tag) this.#end()
    else throw new Refusal()
    this.#place += tag.length
    return true
  }

  #start(tag: string, attributes: string, isEmpty: boolean): void {
    const raw = [...attributes.matchAll(new RegExp(ATTRIBUTE, 'g'))].map(
      ([, key, value]) => [key!, valueOf(value!)] as const,
    )
    if (new Set(raw.map(([key]) => key)).size < raw.length) throw new Refusal()
    const outer = this.#open.at(-1)?.scope ?? new Map([['xml', NS.xml]])
    try {
      this.#open.push(resolveTag(tag, raw, outer))
    } catch (error) {
      // Whoever cuts off a stream before the element is complete does not hear of a wrong namespace.
      if (this.#open.length === 0 || !(error instanceof Refusal)) throw error
      this.#isDoomed = true
      this.#open.push({ tag, scope: outer, element: { name: tag, ns: '', attrs: [], children: [] } })
    }
    const { element } = this.#open.at(-1)!
    if (this.#open.length === 1 && (element.ns !== NS.stream || element.name !== 'stream' || isEmpty))
      throw new Refusal()
    if (isEmpty) this.#end()
  }

  #end(): void {
    const { element } = this.#open.pop()!
    const parent = this.#open.at(-1)
    if (this.#open.length === 1 && this.#isDoomed) throw new Refusal()
    if (parent === undefined) this.isClosed = true
    else if (this.#open.length === 1) this.elements.push(element)
    else parent.element.children.push(element)
  }

  #addText(text: string): void {
    const children = this.#open.at(-1)!.element.children
    const last = children.at(-1)
    if (typeof last === 'string') children[children.length - 1] = last + text
    else if (text !== '') children.push(text)
  }
}

function resolveTag(tag: string, raw: readonly (readonly [string, string])[], outer: Scope): Open {
  const scope = new Map(outer)
  for (const [key, ns] of raw) {
    if (key === 'xmlns' || key.startsWith('xmlns:')) declare(scope, key.slice(6), ns)
  }
  const [name, ns] = resolve(tag, scope, scope.get('') ?? '')
  if (ns === NS.xml) throw new Refusal()
  const attrs = raw
    .filter(([key]) => !/^xmlns(?::|$)/.test(key))
    .map(([key, value]) => {
      const [local, space] = resolve(key, scope, '')
      return [space === '' ? local : `{${space}}${local}`, value] as const
    })
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
  if (new Set(attrs.map(([key]) => key)).size < attrs.length) throw new Refusal()
  return { tag, scope, element: { name, ns, attrs, children: [] } }
}

function declare(scope: Map<string, string>, prefix: string, ns: string): void {
  if (!URI.test(ns)) throw new Refusal()
  if (prefix === '' ? ns === NS.xml || ns === NS.xmlns : ns === '' || ns === NS.xmlns || prefix === 'xmlns')
    throw new Refusal()
  if (prefix !== '' && (prefix === 'xml') !== (ns === NS.xml)) throw new Refusal()
  scope.set(prefix, ns)
}

function resolve(name: string, scope: Scope, defaultNs: string): readonly [local: string, ns: string] {
  const [prefix, local] = name.split(':')
  if (local === undefined) return [name, defaultNs]
  const ns = scope.get(prefix!)
  if (ns === undefined) throw new Refusal()
  return [local, ns]
}

function valueOf(quoted: string): string {
  const raw = quoted.slice(1, -1)
  if (!LEGAL.test(raw)) throw new Refusal()
  return expand(raw.replace(/\r\n|[\t\n\r]/g, ' '))
}

function expand(raw: string): string {
  return raw.replace(/&([^;]*);?/g, (reference, name: string) => {
    const named: Record<string, string> = { '&amp;': '&', '&lt;': '<', '&gt;': '>', '&apos;': "'", '&quot;': '"' }
    const char = named[reference]
    if (char !== undefined) return char
    if (!reference.endsWith(';') || !/^#(?:[0-9]{1,8}|x[0-9a-fA-F]{1,8})$/.test(name)) throw new Refusal()
    const code = Number(name.replace('#x', '0x').replace('#', ''))
    if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) throw new Refusal()
    const text = String.fromCodePoint(code)
    if (!LEGAL.test(text)) throw new Refusal()
    return text
  })
}
