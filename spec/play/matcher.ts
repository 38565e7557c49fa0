/** Compares a received stanza with what a play expects, strictly or not (spec/README.md, "Matching"). */
import { NS } from './namespaces.ts'
import type { Pattern } from './pattern.ts'
import { elementsOf, isBlank, textOf, type XmlNode } from './xml-node.ts'

/** How much a play has to say; by default as much as the scripts of others do. */
export interface MatchOptions {
  /** A stanza expected without `type` must have none; else it only must not be an error. */
  readonly exactType: boolean
  /** An element expected without text must have none, unless it is marked `scansion:strict='false'`. */
  readonly exactText: boolean
}

/** The values that stood where the pattern captures, or why the stanza is another one. */
export type Verdict =
  | { readonly matches: true; readonly captures: ReadonlyMap<string, string> }
  | { readonly matches: false; readonly reason: string }

/** Compares one stanza. */
export function match(pattern: Pattern, stanza: XmlNode, options: MatchOptions): Verdict {
  const type = stanza.attributes.get('type')
  if (!pattern.attributes.has('type') && isName(pattern, stanza)) {
    if (type === 'error') return differs([pattern.name], "has type='error', which was not expected")
    if (options.exactType && type !== undefined) return differs([pattern.name], `has type='${type}', expected none`)
  }
  return matchElement(pattern, stanza, { options, path: [], isForeign: false })
}

/** True if the two agree in all but their children: what makes their lines the same in a report. */
export function matchesTag(pattern: Pattern, node: XmlNode): boolean {
  if (!compareTag(pattern, node, 'non-strict').matches) return false
  return pattern.text === undefined || pattern.text === textOf(node)
}

interface Place {
  readonly options: MatchOptions
  /** The names of the elements around this one. */
  readonly path: readonly string[]
  /** Something around this element is outside of `jabber:client`. */
  readonly isForeign: boolean
}

type Rules = 'strict' | 'non-strict'

const noCaptures: ReadonlyMap<string, string> = new Map()

function matchElement(pattern: Pattern, node: XmlNode, { options, path: outer, isForeign }: Place): Verdict {
  const inner: Place = { options, path: [...outer, pattern.name], isForeign: isForeign || pattern.ns !== NS.client }
  const rules = (pattern.strict ?? inner.isForeign) ? 'strict' : 'non-strict'
  const tag = compareTag(pattern, node, rules, inner.path)
  if (!tag.matches) return tag
  const text = compareText(pattern, node, options, inner.path)
  if (!text.matches) return text
  const children = rules === 'strict' ? matchInOrder(pattern, node, inner) : matchInAnyOrder(pattern, node, inner)
  return children.matches ? found([tag, children]) : children
}

function isName(pattern: Pattern, node: XmlNode): boolean {
  return pattern.name === node.name && pattern.ns === node.ns
}

function compareTag(pattern: Pattern, node: XmlNode, rules: Rules, path: readonly string[] = []): Verdict {
  if (!isName(pattern, node)) {
    return differs(path, `is <${node.name} xmlns='${node.ns}'>, expected <${pattern.name} xmlns='${pattern.ns}'>`)
  }
  const captures = new Map<string, string>()
  for (const [name, expected] of pattern.attributes) {
    const value = node.attributes.get(name)
    if (value === undefined) return differs(path, `has no attribute ${name}`)
    if (expected.kind === 'exactly' && expected.value !== value) {
      return differs(path, `has ${name}='${value}', expected '${expected.value}'`)
    }
    if (expected.kind === 'capture') captures.set(expected.name, value)
  }
  const further =
    rules === 'strict' ? [...node.attributes.keys()].find((name) => !pattern.attributes.has(name)) : undefined
  if (further !== undefined) return differs(path, `has the attribute ${further}, which was not expected`)
  return { matches: true, captures }
}

function compareText(pattern: Pattern, node: XmlNode, options: MatchOptions, path: readonly string[]): Verdict {
  const text = textOf(node)
  if (pattern.text !== undefined) {
    return pattern.text === text ? found([]) : differs(path, `has the text “${text}”, expected “${pattern.text}”`)
  }
  if (!options.exactText || pattern.strict === false || isBlank(text)) return found([])
  return differs(path, `has the text “${text}”, expected none`)
}

function matchInOrder(pattern: Pattern, node: XmlNode, place: Place): Verdict {
  const elements = elementsOf(node)
  const verdicts = pattern.children.map((child, index): Verdict => {
    const element = elements[index]
    return element === undefined ? differs(place.path, `has no ${tagOf(child)}`) : matchElement(child, element, place)
  })
  const failed = verdicts.find(({ matches }) => !matches)
  if (failed !== undefined) return failed
  const further = elements[pattern.children.length]
  if (further !== undefined) return differs(place.path, `has a ${tagOf(further)}, which was not expected`)
  return found(verdicts)
}

/** Finds each expected child a received one of its own, if there is any way to do so. */
function matchInAnyOrder(pattern: Pattern, node: XmlNode, place: Place): Verdict {
  const elements = elementsOf(node)
  const table = pattern.children.map((child) => elements.map((element) => matchElement(child, element, place)))
  const takenBy = new Map<number, number>()
  for (const [child, verdicts] of table.entries()) {
    if (!assign(child, table, takenBy, new Set())) return noneLeft(pattern.children[child], verdicts, elements, place)
  }
  const chosen = [...takenBy].toSorted(([, a], [, b]) => a - b)
  return found(chosen.flatMap(([element, child]) => table[child]?.[element] ?? []))
}

/** Gives the child an element, moving others to different elements if need be (augmenting paths). */
function assign(
  child: number,
  table: readonly (readonly Verdict[])[],
  takenBy: Map<number, number>,
  tried: Set<number>,
): boolean {
  for (const [element, { matches }] of (table[child] ?? []).entries()) {
    if (!matches || tried.has(element)) continue
    tried.add(element)
    const holder = takenBy.get(element)
    if (holder !== undefined && !assign(holder, table, takenBy, tried)) continue
    takenBy.set(element, child)
    return true
  }
  return false
}

/** Says why by the candidate that was meant, as far as that can be told. */
function noneLeft(
  child: Pattern | undefined,
  verdicts: readonly Verdict[],
  elements: readonly XmlNode[],
  { path }: Place,
): Verdict {
  if (child === undefined) return found([])
  const alike = verdicts.filter((_, index) => {
    const element = elements[index]
    return element !== undefined && isName(child, element)
  })
  const [only] = alike
  if (only !== undefined && alike.length === 1 && !only.matches) return only
  return differs(path, alike.length === 0 ? `has no ${tagOf(child)}` : `has no such ${tagOf(child)}, or not enough`)
}

const tagOf = ({ name, ns }: { name: string; ns: string }): string =>
  ns === NS.client ? `<${name}>` : `<${name} xmlns='${ns}'>`

const differs = (path: readonly string[], how: string): Verdict => ({
  matches: false,
  reason: `${path.join('/')} ${how}`,
})

function found(verdicts: readonly Verdict[]): Verdict {
  if (verdicts.length === 0) return { matches: true, captures: noCaptures }
  return {
    matches: true,
    captures: new Map(verdicts.flatMap((verdict) => (verdict.matches ? [...verdict.captures] : []))),
  }
}
