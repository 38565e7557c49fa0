/** XEP-0390: Entity Capabilities 2.0. The same as XEP-0115, with a hash that cannot be misread. */
import { type Element, xml } from '../xml/element.ts'
import { digest } from './digest.ts'
import { type Extension, extensionElement, readExtension } from './disco-extension.ts'
import type { DiscoInfo } from './disco-info.ts'

export const NS_ECAPS2 = 'urn:xmpp:caps'
export const NS_HASHES = 'urn:xmpp:hashes:2'

export interface CapabilityHash {
  readonly algorithm: string
  /** In base64. */
  readonly value: string
}

/** The hashes of an entity, or undefined if it has none: see `hashInput`. */
export function capabilityHashes(info: DiscoInfo, algorithms = ANNOUNCED): readonly CapabilityHash[] | undefined {
  const input = hashInput(info)
  if (input === undefined) return undefined
  return algorithms.flatMap((algorithm) => {
    const value = digest(algorithm, input)
    return value === undefined ? [] : { algorithm, value }
  })
}

/** The `<c/>` of presence and stream features. */
export function capabilityHashesElement(hashes: readonly CapabilityHash[]): Element {
  return xml(
    'c',
    { xmlns: NS_ECAPS2 },
    ...hashes.map(({ algorithm, value }) => xml('hash', { xmlns: NS_HASHES, algo: algorithm }, value)),
  )
}

/** What a `<c/>` announces; empty if the element is none. */
export function readCapabilityHashes(c: Element | undefined): readonly CapabilityHash[] {
  if (c === undefined || c.name !== 'c' || c.ns !== NS_ECAPS2) return []
  const hashes = c.elements.filter(({ name, ns }) => name === 'hash' && ns === NS_HASHES)
  return hashes.slice(0, MOST_HASHES).flatMap((hash) => {
    const algorithm = hash.attrs['algo']
    return algorithm === undefined ? [] : { algorithm, value: hash.getText().trim() }
  })
}

/** The node to ask for the whole (§4.3). */
export function capabilityHashNode({ algorithm, value }: CapabilityHash): string {
  return `${NODE_PREFIX}${algorithm}.${value}`
}

/** Undefined if the node is of another kind. The name of a hash function may have dots in it (§6.2). */
export function parseCapabilityHashNode(node: string): CapabilityHash | undefined {
  const dot = node.lastIndexOf('.')
  if (!node.startsWith(NODE_PREFIX) || dot < NODE_PREFIX.length) return undefined
  return { algorithm: node.slice(NODE_PREFIX.length, dot), value: node.slice(dot + 1) }
}

/**
 * The part of an answer that the hash vouches for, to be kept for everyone who announces the same; undefined if it
 * vouches for nothing (§4.4), or is made with a function that is no longer trusted.
 */
export function verifiedByHash({ algorithm, value }: CapabilityHash, info: DiscoInfo): DiscoInfo | undefined {
  const extensions = extensionsOf(info)
  const input = hashInput(info)
  if (extensions === undefined || input === undefined || !trusted.has(algorithm)) return undefined
  if (digest(algorithm, input) !== value) return undefined
  const { identities, features, lang } = info
  return { identities, features, forms: extensions.map(extensionElement), lang }
}

/** What is hashed (§4.1); undefined if the answer holds anything that has no place in it. */
export function hashInput(info: DiscoInfo): Buffer | undefined {
  const { identities, features, lang: inherited = '', others = [] } = info
  const extensions = extensionsOf(info)
  if (extensions === undefined || others.length > 0) return undefined
  return Buffer.concat([
    section(features.map(unit)),
    section(
      identities.map(({ category, type, lang = inherited, name = '' }) =>
        record([category, type, lang, name].map(unit)),
      ),
    ),
    section(extensions.map(extensionInput)),
  ])
}

/** RFC 20 §4.1: control characters that XML cannot hold, and that therefore separate without fail (§8.1). */
const UNIT_END = '\u{1f}'
const RECORD_END = '\u{1e}'
const GROUP_END = '\u{1d}'
const FILE_END = '\u{1c}'

const NODE_PREFIX = 'urn:xmpp:caps#'
const MOST_HASHES = 16
const ANNOUNCED: readonly string[] = ['sha-256', 'sha3-256']
/** Of the functions of XEP-0300; SHA-1 is left to XEP-0115. */
const trusted: ReadonlySet<string> = new Set(['sha-256', 'sha-512', 'sha3-256', 'sha3-512', 'blake2b-512'])

function extensionInput({ formType, fields }: Extension): Buffer {
  const all = [{ var: 'FORM_TYPE', values: [formType] }, ...fields]
  return joined(
    all.map(({ var: name, values }) => record([unit(name), joined(values.map(unit), '')])),
    GROUP_END,
  )
}

function unit(text: string): Buffer {
  return Buffer.from(text + UNIT_END)
}

function record(units: readonly Buffer[]): Buffer {
  return Buffer.concat([...units, Buffer.from(RECORD_END)])
}

function section(records: readonly Buffer[]): Buffer {
  return joined(records, FILE_END)
}

/** From lesser to greater. */
function joined(parts: readonly Buffer[], end: string): Buffer {
  return Buffer.concat([...parts.toSorted((a, b) => Buffer.compare(a, b)), Buffer.from(end)])
}

/** Undefined if one of the forms does not say what it is (§4.1). */
function extensionsOf({ forms }: DiscoInfo): readonly Extension[] | undefined {
  const read = forms.map(readExtension)
  const typed = read.filter((extension) => typeof extension !== 'string')
  return typed.length === read.length ? typed : undefined
}
