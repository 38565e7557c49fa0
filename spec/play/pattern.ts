/** What a play expects of a stanza: an element in which some values are left open. */
import { NS } from './namespaces.ts'
import { elementsOf, isBlank, textOf, type XmlNode } from './xml-node.ts'

/** What an attribute has to be. Any value has to be there, though it may be empty. */
export type Expected =
  | { readonly kind: 'exactly'; readonly value: string }
  | { readonly kind: 'any' }
  | { readonly kind: 'capture'; readonly name: string }

export interface Pattern {
  readonly name: string
  readonly ns: string
  readonly attributes: ReadonlyMap<string, Expected>
  /** Absent if nothing is said about the text. */
  readonly text: string | undefined
  /** What `scansion:strict` says about this element alone, if it is there. */
  readonly strict: boolean | undefined
  readonly children: readonly Pattern[]
  /** The element as it was written, to be shown. */
  readonly node: XmlNode
}

/** The element holds something that the language does not have. */
export class PatternError extends Error {
  override readonly name = 'PatternError'
}

/** The pattern that an element of a play stands for. Throws `PatternError`. */
export function patternOf(node: XmlNode): Pattern {
  const own = [...node.attributes].filter(([name]) => !name.startsWith(STEERING))
  const text = textOf(node)
  return {
    name: node.name,
    ns: node.ns,
    attributes: new Map(own.map(([name, value]) => [name, expectedOf(value)])),
    text: isBlank(text) ? undefined : text,
    strict: strictnessOf(node),
    children: elementsOf(node).map(patternOf),
    node,
  }
}

/** The names under which a pattern stores values. */
export function capturesOf(pattern: Pattern): readonly string[] {
  const own = [...pattern.attributes.values()].flatMap((expected) =>
    expected.kind === 'capture' ? [expected.name] : [],
  )
  return [...own, ...pattern.children.flatMap(capturesOf)]
}

/** True if the element or any below it has an attribute that would only steer a comparison. */
export function isSteered(node: XmlNode): boolean {
  return [...node.attributes.keys()].some((name) => name.startsWith(STEERING)) || elementsOf(node).some(isSteered)
}

const STEERING = `{${NS.scansion}}`

const strictness: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['yes', true],
  ['false', false],
  ['no', false],
])

function strictnessOf(node: XmlNode): boolean | undefined {
  for (const [name, value] of node.attributes) {
    if (!name.startsWith(STEERING)) continue
    const strict = name === `${STEERING}strict` ? strictness.get(value) : undefined
    if (strict === undefined) throw new PatternError(`unknown: scansion:${name.slice(STEERING.length)}='${value}'`)
    return strict
  }
  return undefined
}

function expectedOf(value: string): Expected {
  if (value === '{scansion:any}') return { kind: 'any' }
  const name = /^\{scansion:capture:([^{}]+)\}$/.exec(value)?.[1]
  if (name !== undefined) return { kind: 'capture', name }
  if (value.includes('{scansion:')) throw new PatternError(`unknown: ${value}`)
  return { kind: 'exactly', value }
}
