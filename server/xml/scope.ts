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

/** Prefixes in force at one place: looking one up takes time in proportion. */
const MOST_PREFIXES = 64
/** What is declared once may have to be written often. */
export const LONGEST_NAMESPACE = 256

/** Where nothing is declared but a default namespace. */
export function scopeOf(ns: string): Scope {
  return { prefix: '', ns, outer: undefined, size: 0 }
}

/** The scope inside of an element that declares `prefix` for `ns`. */
export function bind(outer: Scope, prefix: string, ns: string): Scope {
  return { prefix, ns, outer, size: prefix === '' ? outer.size : outer.size + 1 }
}

/** The same for a declaration that a peer has made. Throws an XmlError if it may not. */
export function declare(outer: Scope, prefix: string, ns: string): Scope {
  const isAllowed =
    prefix === ''
      ? ns !== NS.xml && ns !== NS.xmlns
      : prefix !== 'xmlns' && ns !== NS.xmlns && ns !== '' && (prefix === 'xml') === (ns === NS.xml)
  // Neither of the two may be declared as the default; xml is bound to its own and no other is; no prefix is undeclared.
  if (!isAllowed) throw new XmlError('not-well-formed', 'Namespace declaration (XML Names §3)')
  if (ns.length > LONGEST_NAMESPACE) throw new XmlError('policy-violation', 'Namespace too long')
  if (!isUri(ns)) throw new XmlError('invalid-xml', 'Namespace is no URI')
  if (outer.size >= MOST_PREFIXES && prefix !== '')
    throw new XmlError('policy-violation', 'Too many namespace prefixes')
  return bind(outer, prefix, ns)
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
function isUri(ns: string): boolean {
  for (let i = 0; i < ns.length; i++) {
    const code = ns.charCodeAt(i)
    if (code > 127 || ((CLASS[code]! & URI_STOP) !== 0 && code !== APOSTROPHE)) return false
  }
  return true
}
