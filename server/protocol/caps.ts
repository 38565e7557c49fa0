/** XEP-0115: Entity Capabilities. What a client can do, as a hash in its presence. */
import { type Element, xml } from '../xml/element.ts'
import { NS } from '../xml/ns.ts'
import { compareOctets, digest } from './digest.ts'
import { type Extension, extensionElement, readExtension } from './disco-extension.ts'
import type { DiscoInfo, Identity } from './disco-info.ts'

export interface Caps {
  /** A URI of the software. */
  readonly node: string
  /** The hash of what it can do. */
  readonly ver: string
  /** The name of the hash function. */
  readonly hash: string
}

export function capsElement({ node, ver, hash }: Caps): Element {
  return xml('c', { xmlns: NS.caps, hash, node, ver })
}

/** Undefined if the element is none, or is of the old format, which proves nothing (§13). */
export function readCaps(c: Element | undefined): Caps | undefined {
  if (c === undefined || c.name !== 'c' || c.ns !== NS.caps) return undefined
  const { node, ver, hash } = c.attrs
  return node === undefined || ver === undefined || hash === undefined ? undefined : { node, ver, hash }
}

/** The node to ask for the whole (§6.2). */
export function capsNode({ node, ver }: Caps): string {
  return `${node}#${ver}`
}

/** The `ver` of an entity, or undefined if it has none: see `verificationString`. */
export function capsVer(info: DiscoInfo, hash = 'sha-1'): string | undefined {
  const text = verificationString(info)
  return text === undefined ? undefined : digest(hash, text)
}

/**
 * The part of an answer that the hash vouches for, to be kept for everyone who announces the same; undefined if it
 * vouches for nothing (§5.4). What is not hashed, such as labels of fields or forms without a FORM_TYPE, is left out.
 */
export function verifiedInfo({ ver, hash }: Caps, info: DiscoInfo): DiscoInfo | undefined {
  const extensions = extensionsOf(info)
  if (extensions === undefined || capsVer(info, hash) !== ver) return undefined
  const { identities, features } = info
  return { identities, features, forms: extensions.map(extensionElement) }
}

/**
 * What is hashed (§5.1). Undefined for an answer that is ill-formed (§5.4), and for one that could be taken for
 * another: the string does not say where identities, features and forms begin, so that somebody could answer with
 * features dressed up as a form, and everybody would believe them gone (§9.3). Honest clients have no such names. What
 * cannot be told apart at all is only which of the texts in a form are names and which are values.
 */
export function verificationString(info: DiscoInfo): string | undefined {
  const { features } = info
  const identities = info.identities.toSorted(compareIdentities).map(identityText)
  const extensions = extensionsOf(info)
  if (extensions === undefined) return undefined

  const sorted = extensions.toSorted((a, b) => compareOctets(a.formType, b.formType))
  const factors = [...identities, ...features.toSorted(compareOctets), ...sorted.flatMap(factorsOf)]
  const unique = [identities, features, extensions.map(({ formType }) => formType)].every(
    (list) => new Set(list).size === list.length,
  )
  const clear =
    info.identities.every(isClearIdentity) &&
    !features.some((feature) => IDENTITY.test(feature)) &&
    extensions.every(isClearExtension) &&
    !factors.some((factor) => factor.includes('<'))
  return unique && clear ? factors.map((factor) => `${factor}<`).join('') : undefined
}

/** What a feature looks like that is an identity: three slashes, and not the URI that it would otherwise be. */
const IDENTITY = /^[^/:]+\/[^/]+\/[^/]*\//
/** What a name of a field looks like that is a feature. */
const URI = /^[a-z][a-z\d+.-]*:/i

function identityText({ category, type, lang = '', name = '' }: Identity): string {
  return `${category}/${type}/${lang}/${name}`
}

function compareIdentities(a: Identity, b: Identity): number {
  return (
    compareOctets(a.category, b.category) ||
    compareOctets(a.type, b.type) ||
    compareOctets(a.lang ?? '', b.lang ?? '') ||
    compareOctets(a.name ?? '', b.name ?? '')
  )
}

function isClearIdentity({ category, type, lang = '' }: Identity): boolean {
  return (
    category !== '' &&
    type !== '' &&
    !category.includes(':') &&
    ![category, type, lang].some((part) => part.includes('/'))
  )
}

/** A form without values could be the last features in disguise. */
function isClearExtension({ fields }: Extension): boolean {
  return fields.length > 0 && fields.every(({ var: name, values }) => values.length > 0 && !URI.test(name))
}

/** The forms that count; undefined if one of them is ill-formed. */
function extensionsOf({ forms }: DiscoInfo): readonly Extension[] | undefined {
  const read = forms.map(readExtension).filter((extension) => extension !== 'untyped')
  return read.includes('ill-formed') ? undefined : read.filter((extension) => extension !== 'ill-formed')
}

function factorsOf({ formType, fields }: Extension): readonly string[] {
  const sorted = fields.toSorted((a, b) => compareOctets(a.var, b.var))
  return [formType, ...sorted.flatMap(({ var: name, values }) => [name, ...values.toSorted(compareOctets)])]
}
