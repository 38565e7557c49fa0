/** `modules:` of the server or of a host: which ones are wanted, and with which options. */
import { didYouMean } from './nearest.ts'
import { entriesOf, itemsOf, show, type ConfigNode, type Place, type Problem } from './node.ts'
import type { Fields } from './option.ts'

/** What a configuration must know of a module. Declarations of modules are such. */
export interface ModuleDeclaration {
  readonly name: string
  readonly about: string
  /** One for each host, or one for the server. */
  readonly scope: 'host' | 'server'
  readonly config?: Fields
  /** Kinds of hosts on which it runs unless told otherwise; none: only where it is asked for. */
  readonly on?: readonly string[]
  /** A module of the server that runs unless told otherwise. */
  readonly byDefault?: boolean
  /** Modules of the same host without which it cannot run. */
  readonly depends?: readonly string[]
}

/** A module that the section names. */
export interface Wish {
  readonly place: Place
  readonly isWanted: boolean
  /** Its options, if any are written. */
  readonly options: ConfigNode | undefined
}

/**
 * The wishes of a section by name of module. Both forms are read: a list of names, and
 * a section of options by name, where false turns a module off. `refusal` says why a
 * name cannot stand there.
 */
export function readModules(
  section: ConfigNode | undefined,
  refusal: (name: string) => string | undefined,
  problems: Problem[],
): ReadonlyMap<string, Wish> {
  const wishes = new Map<string, Wish>()
  const add = (name: string, wish: Wish): void => {
    const reason = wishes.has(name) ? `${name} is named twice` : refusal(name)
    if (reason !== undefined) problems.push({ place: wish.place, message: reason })
    else wishes.set(name, wish)
  }
  if (section?.value === undefined) return wishes
  for (const item of itemsOf(section)) {
    if (typeof item.value === 'string') add(item.value, { place: item.place, isWanted: true, options: undefined })
    else problems.push({ place: item.place, message: `modules: expected the name of a module, not ${show(item)}` })
  }
  for (const [name, { key, node: options }] of entriesOf(section)) {
    if (isOptions(options)) add(name, { place: key, isWanted: options.value !== false, options: sectionOf(options) })
    else
      problems.push({ place: options.place, message: `${name}: expected options, true or false, not ${show(options)}` })
  }
  if (typeof section.value !== 'object') {
    problems.push({ place: section.place, message: `modules: expected a list or a section, not ${show(section)}` })
  }
  return wishes
}

/** Whether a module runs on a host of this kind, by what the server and the host wish. */
export function runs(
  { on = [] }: ModuleDeclaration,
  kind: string,
  ofServer: Wish | undefined,
  ofHost: Wish | undefined,
): boolean {
  if (ofHost !== undefined) return ofHost.isWanted
  if (ofServer?.isWanted === false) return false
  // Asked for everywhere, it runs where it is made for; the accounts are what most are made for.
  if (ofServer !== undefined && on.length === 0) return kind === 'local'
  return on.includes(kind)
}

/** Options of the host before those of the server, name by name. */
export function mergeOptions(ofServer: Wish | undefined, ofHost: Wish | undefined, place: Place): ConfigNode {
  return {
    place: ofHost?.place ?? ofServer?.place ?? place,
    value: new Map([...entriesOf(ofServer?.options), ...entriesOf(ofHost?.options)]),
  }
}

export function unknownModule(name: string, known: Iterable<string>): string {
  return `unknown module ${name}${didYouMean(name, known)}`
}

function isOptions({ value }: ConfigNode): boolean {
  return value === undefined || typeof value === 'boolean' || value instanceof Map
}

function sectionOf(node: ConfigNode): ConfigNode | undefined {
  return node.value instanceof Map ? node : undefined
}
