/** Checks what was written against what was declared: all problems at once, each at its place. */
import type { z } from 'zod'
import { didYouMean } from './nearest.ts'
import { entriesOf, itemsOf, plainOf, show, type ConfigNode, type Place, type Problem } from './node.ts'
import { factsOf, innerAt, settle, type Option, type Surroundings } from './option.ts'

export type Checked<T> = { readonly ok: T } | { readonly problems: readonly Problem[] }

/**
 * The value of an option as its node has it. Never throws for what an admin can
 * write. `name` is what a problem with the node as a whole calls it.
 */
export function check<T>(option: Option<T>, node: ConfigNode, surroundings: Surroundings, name = ''): Checked<T> {
  const root = { option, node, name }
  const result = option.safeParse(plainOf(node))
  const issues = result.error?.issues.flatMap((issue) => problemsOf(issue, [], root))
  if (issues !== undefined) return { problems: hiding(root, issues) }
  const problems: Problem[] = []
  const value = settle(option, result.data, surroundings, (path, message) => {
    const found = locate(root, path)
    problems.push({ place: found.place, message: named(found.name, message) })
  })
  // `settle` gives the same type again: paths are longer, secrets are there.
  return problems.length > 0 ? { problems } : { ok: value as T }
}

type Issue = z.core.$ZodIssue
type Path = readonly PropertyKey[]

interface Root {
  readonly option: Option<unknown>
  readonly node: ConfigNode
  readonly name: string
}

function problemsOf(issue: Issue, base: Path, root: Root): readonly Problem[] {
  const path = [...base, ...issue.path]
  const fitting = issue.code === 'invalid_union' ? fittingBranch(issue.errors) : undefined
  if (fitting !== undefined) return fitting.flatMap((inner) => problemsOf(inner, path, root))
  if (issue.code === 'unrecognized_keys') {
    const { node: section, place } = locate(root, path)
    const known = Object.keys(factsOf(optionAt(root.option, path)).fields ?? {})
    return issue.keys.map((name) => ({
      place: entriesOf(section).get(name)?.key ?? place,
      message: `unknown option ${name}${didYouMean(name, known)}`,
    }))
  }
  return [valueProblem(path, issue.message, root)]
}

/** Our vocabulary says what it `expected …`; any other message is a sentence of its own. */
function valueProblem(path: Path, message: string, root: Root): Problem {
  const { name, place, node } = locate(root, path)
  if (!message.startsWith('expected ')) return { place, message: named(name, message) }
  if (node === undefined) return { place, message: `missing option ${name}: ${message}` }
  const isSecret = factsOf(optionAt(root.option, path)).secret === true
  const found = isSecret ? '' : `, not ${show(node)}`
  return { place, message: named(name, `${message}${found}${hint(message, node)}`) }
}

/** How to write it instead, where that is certain. */
function hint(message: string, node: ConfigNode): string {
  const isBare = typeof node.value === 'number' || typeof node.value === 'boolean'
  if (message.startsWith('expected text') && isBare) return '; put it in quotes'
  if (message === 'expected a list' && (isBare || typeof node.value === 'string')) return `; write [${show(node)}]`
  return ''
}

function hiding({ option, node }: Root, problems: readonly Problem[]): readonly Problem[] {
  const secrets = secretsIn(option, node)
  return problems.map((problem) => {
    const hidden = secrets.filter(({ line }) => line === problem.place.line)
    return hidden.length > 0 ? { ...problem, hidden } : problem
  })
}

/** Where secrets are written, right or wrong. */
function secretsIn(option: Option<unknown>, node: ConfigNode): readonly Place[] {
  if (factsOf(option).secret === true) return node.value instanceof Map ? [] : [node.place]
  const inside = (key: PropertyKey, inner: ConfigNode): readonly Place[] => {
    const declared = innerAt(option, key)
    return declared === undefined ? [] : secretsIn(declared, inner)
  }
  return [
    ...itemsOf(node).flatMap((item, i) => inside(i, item)),
    ...[...entriesOf(node)].flatMap(([name, entry]) => inside(name, entry.node)),
  ]
}

function named(name: string, message: string): string {
  return name === '' ? message : `${name}: ${message}`
}

/** Of the forms a value can have, the one that was meant: what was written is of its kind, and least is wrong with it. */
function fittingBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  const fitting = branches.filter(
    (issues) => !issues.some(({ code, path }) => code === 'invalid_type' && path.length === 0),
  )
  return fitting.toSorted((a, b) => a.length - b.length)[0]
}

interface Located {
  /** The option's name; that of the list if it is an item. */
  readonly name: string
  /** Its place, or if it was not written, that of the innermost section that was. */
  readonly place: Place
  readonly node: ConfigNode | undefined
}

function locate(root: Root, path: Path): Located {
  const names = path.filter((key) => typeof key !== 'number').map(String)
  let { node } = root
  let depth = 0
  for (const key of path) {
    const next = typeof key === 'number' ? itemsOf(node)[key] : entriesOf(node).get(String(key))?.node
    // All that is missing belongs to the name, lest an `url` be missed without saying of what.
    if (next === undefined) return { name: names.slice(depth).join('.'), place: node.place, node: undefined }
    if (typeof key !== 'number') depth++
    node = next
  }
  return { name: names.at(-1) ?? root.name, place: node.place, node }
}

/** The declaration of what is at this path; of as much of it as is declared. */
function optionAt(option: Option<unknown>, path: Path): Option<unknown> {
  return path.reduce<Option<unknown>>((found, key) => innerAt(found, key) ?? found, option)
}
