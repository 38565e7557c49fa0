/** YAML text → nodes that know where they were written. YAML 1.2, core schema, one document. */
import { LineCounter, isAlias, isCollection, isMap, isScalar, isSeq, parseDocument } from 'yaml'
import type { Pair, Scalar, YAMLMap, YAMLParseError, YAMLWarning } from 'yaml'
import type { ConfigEntry, ConfigNode, Place, Problem, Written } from './node.ts'
import { explain } from './yaml-words.ts'

/** Of a config file, in bytes. */
const MAX_BYTES = 1024 * 1024
/** Sections in sections. */
const MAX_DEPTH = 32
/** Values in all, each counted as often as aliases repeat it. */
const MAX_NODES = 50_000

/** If there are problems, the root holds what could be read. */
export interface ConfigDocument {
  readonly root: ConfigNode
  readonly problems: readonly Problem[]
}

/** Never throws, whatever the text is. */
export function readDocument(file: string, text: string): ConfigDocument {
  const start = { file, line: 1, column: 1, length: 1 }
  if (Buffer.byteLength(text) > MAX_BYTES) {
    return { root: { place: start, value: undefined }, problems: [{ place: start, message: 'the file is over 1 MiB' }] }
  }
  const lines = new LineCounter()
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    // Ours is linear, and says where the first one is.
    uniqueKeys: false,
  })
  const placeAt: PlaceAt = (from, to) => {
    const { line, col } = lines.linePos(from)
    return { file, line, column: Math.max(col, 1), length: Math.max(to - from, 1) }
  }
  const broken = syntaxProblems([...document.errors, ...document.warnings], placeAt)
  if (broken.length > 0) return { root: { place: start, value: undefined }, problems: broken }
  const reader = new NodeReader(placeAt)
  return { root: { place: start, value: reader.read(document.contents, start).value }, problems: reader.problems }
}

type PlaceAt = (from: number, to: number) => Place

/** One of each line: what follows on a line is mostly an echo. */
function syntaxProblems(errors: readonly (YAMLParseError | YAMLWarning)[], placeAt: PlaceAt): readonly Problem[] {
  const problems = new Map<number, Problem>()
  for (const { code, message, pos } of errors) {
    const place = placeAt(...pos)
    if (!problems.has(place.line)) problems.set(place.line, { place, message: explain(code, message) })
  }
  return [...problems.values()]
}

/** Takes over the tree of the parser: aliases followed, keys made unique, sizes limited. */
class NodeReader {
  readonly problems: Problem[] = []
  readonly #placeAt: PlaceAt
  readonly #anchors = new Map<string, unknown>()
  #count = 0
  #isFull = false

  constructor(placeAt: PlaceAt) {
    this.#placeAt = placeAt
  }

  /** `around` is the place of the key, or of whatever else the value belongs to. */
  read(node: unknown, around: Place, depth = 0): ConfigNode {
    if (isAlias(node)) return this.#follow(node.source, this.#placeOf(node, around), depth)
    const place = isBlock(node) || isEmpty(node) ? around : this.#placeOf(node, around)
    if (!this.#isAllowed(place, depth)) return { place, value: undefined }
    if ((isCollection(node) || isScalar(node)) && node.anchor !== undefined) {
      this.#anchors.set(node.anchor, node)
    }
    return { place, value: this.#valueOf(node, place, depth) }
  }

  #valueOf(node: unknown, place: Place, depth: number): Written {
    if (isMap(node)) return this.#section(node, depth)
    if (isSeq(node)) return node.items.map((item) => this.read(item, this.#placeOf(item, place), depth + 1))
    if (!isScalar(node)) return undefined
    const { value } = node
    return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : undefined
  }

  #section(map: YAMLMap, depth: number): ReadonlyMap<string, ConfigEntry> {
    const entries = new Map<string, ConfigEntry>()
    for (const pair of map.items) {
      const place = this.#placeOf(pair.key, this.#placeOf(map, undefined))
      const name = this.#nameOf(pair, place)
      if (name === undefined) continue
      const former = entries.get(name)
      const entry = { key: place, node: this.read(pair.value, place, depth + 1) }
      if (former === undefined) entries.set(name, entry)
      else this.#refuse(place, `${name} is already set on line ${former.key.line}`)
    }
    return entries
  }

  #nameOf({ key }: Pair, place: Place): string | undefined {
    const name = isScalar(key) ? nameFrom(key) : undefined
    const refusal = name === undefined ? 'the name of an option is a word' : notNames.get(name)
    if (refusal === undefined) return name
    this.#refuse(place, refusal)
    return undefined
  }

  #follow(anchor: string, place: Place, depth: number): ConfigNode {
    const target = this.#anchors.get(anchor)
    if (target !== undefined) return this.read(target, place, depth + 1)
    this.#refuse(place, `there is no &${anchor} before this *${anchor}`)
    return { place, value: undefined }
  }

  #isAllowed(place: Place, depth: number): boolean {
    this.#count++
    if (this.#isFull) return false
    if (depth <= MAX_DEPTH && this.#count <= MAX_NODES) return true
    this.#isFull = true
    this.#refuse(place, depth > MAX_DEPTH ? 'sections are nested too deeply' : 'there are too many values')
    return false
  }

  #placeOf(node: unknown, around: Place | undefined): Place {
    const range = isCollection(node) || isScalar(node) || isAlias(node) ? node.range : undefined
    if (range) return this.#placeAt(range[0], isCollection(node) ? range[0] + 1 : range[1])
    return around ?? this.#placeAt(0, 0)
  }

  #refuse(place: Place, message: string): void {
    this.problems.push({ place, message })
  }
}

/** What YAML or JavaScript would give a meaning of its own. */
const notNames: ReadonlyMap<string, string> = new Map([
  ['<<', 'sections cannot be merged with <<'],
  ['__proto__', 'this name cannot be used'],
])

/** As it was written, so that a port or a `yes` can be a name. */
function nameFrom({ value, source }: Scalar): string | undefined {
  if (typeof value === 'string') return value
  return source === undefined || source === '' ? undefined : source
}

/** A list or section on lines of its own: it is best shown by its key. */
function isBlock(node: unknown): boolean {
  return isCollection(node) && node.flow !== true
}

/** Nothing at all, rather than a `null` that someone wrote. */
function isEmpty(node: unknown): boolean {
  return node === null || node === undefined || (isScalar(node) && node.source === '')
}
