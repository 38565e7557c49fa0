/** The namespace declarations in force at a place (Namespaces in XML 1.0). */
import { CLASS, URI_STOP, APOSTROPHE } from './characters.ts'
import { NS } from './ns.ts'
import { XmlError } from './xml-error.ts'

/** The innermost declaration and those around it. The prefix '' is that of the default namespace. */
export interface Scope {
  readonly prefix: string
  readonly ns: string
  readonly outer: Scope | undefined
  /** How many prefixes are declared here. */
  readonly size: number
}

/** Prefixes in force at one place; looking one up takes time in proportion. */
const MOST_PREFIXES = 64

/** Where nothing is declared but a default namespace. */
export function scopeOf(ns: string): Scope {
  return { prefix: '', ns, outer: undefined, size: 0 }
}

/** The scope inside of an element that declares `prefix` for `ns`. Throws an XmlError if it may not. */
export function declare(outer: Scope, prefix: string, ns: string): Scope {
  if (prefix === '') {
    // Neither of the two may be declared as the default namespace (XML Names §3).
    if (ns === NS.xml || ns === NS.xmlns) throw new XmlError('not-well-formed', 'Reserved namespace')
    if (ns !== '') checkName(ns)
    return { prefix, ns, outer, size: outer.size }
  }
  // §3: xml is bound to its namespace and nothing else is, xmlns must not be declared, no prefix can be undeclared.
  if (prefix === 'xmlns' || ns === NS.xmlns || ns === '' || (prefix === 'xml') !== (ns === NS.xml)) {
    throw new XmlError('not-well-formed', 'Namespace declaration')
  }
  checkName(ns)
  if (outer.size === MOST_PREFIXES) throw new XmlError('policy-violation', 'Too many namespace prefixes')
  return { prefix, ns, outer, size: outer.size + 1 }
}

/** The namespace of a prefix; undefined if it is not declared. */
export function lookUp(scope: Scope, prefix: string): string | undefined {
  if (prefix === 'xml') return NS.xml
  for (let at: Scope | undefined = scope; at !== undefined; at = at.outer) if (at.prefix === prefix) return at.ns
  return undefined
}

/**
 * A namespace name is a URI (XML Names §2.2). Expat, among others, refuses or
 * misreads names with a control character, a blank or a brace in them, and
 * would end the stream of whoever receives one.
 */
function checkName(ns: string): void {
  for (let i = 0; i < ns.length; i++) {
    const code = ns.charCodeAt(i)
    if (code > 127 || ((CLASS[code]! & URI_STOP) !== 0 && code !== APOSTROPHE))
      throw new XmlError('invalid-xml', 'Namespace is no URI')
  }
}
