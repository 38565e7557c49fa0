/** XEP-0030 §3, XEP-0128: what an entity is and can do. */
import { type Element, xml } from '../xml/element.ts'
import { NS } from '../xml/ns.ts'

export interface Identity {
  readonly category: string
  readonly type: string
  readonly name?: string | undefined
  readonly lang?: string | undefined
}

export interface DiscoInfo {
  readonly identities: readonly Identity[]
  readonly features: readonly string[]
  /** Data forms of type result (XEP-0128). */
  readonly forms: readonly Element[]
  /** The language of identities that do not say theirs: the one of the stanza they came in. */
  readonly lang?: string | undefined
  /** Children of the query that are none of these. They mean nothing to us, but make the whole unverifiable. */
  readonly others?: readonly Element[]
}

/** The `<query/>` that says so; `node` repeats the one that was asked for (§3.2). */
export function discoInfoElement(
  { identities, features, forms, lang, others = [] }: DiscoInfo,
  node?: string,
): Element {
  return xml(
    'query',
    { xmlns: NS.discoInfo, node, 'xml:lang': lang },
    ...identities.map(({ category, type, name, lang: own }) =>
      xml('identity', { category, type, 'xml:lang': own, name }),
    ),
    ...features.map((feature) => xml('feature', { var: feature })),
    ...forms,
    ...others,
  )
}

/**
 * What somebody answered, in a stanza of that language. Undefined if it is no such answer, if an identity or feature
 * lacks what it must have (§3.1), or if there is more of it than anyone needs.
 */
export function readDiscoInfo(query: Element | undefined, lang?: string): DiscoInfo | undefined {
  if (query === undefined || query.name !== 'query' || query.ns !== NS.discoInfo) return undefined
  if (query.elements.length > MOST_CHILDREN) return undefined
  const children = Map.groupBy(query.elements, kindOf)
  const identities = (children.get('identity') ?? []).map(readIdentity)
  const features = (children.get('feature') ?? []).map((feature) => feature.attrs['var'])
  if (!identities.every(isPresent) || !features.every(isPresent)) return undefined
  const forms = children.get('form') ?? []
  return { identities, features, forms, lang: query.attrs['xml:lang'] ?? lang, others: children.get('other') ?? [] }
}

/** Clients have about a hundred features. */
const MOST_CHILDREN = 1000

function kindOf({ name, ns }: Element): 'identity' | 'feature' | 'form' | 'other' {
  if (ns === NS.discoInfo && (name === 'identity' || name === 'feature')) return name
  return ns === NS.dataForms && name === 'x' ? 'form' : 'other'
}

function readIdentity({ attrs }: Element): Identity | undefined {
  const { category, type, name, 'xml:lang': lang } = attrs
  return category === undefined || type === undefined ? undefined : { category, type, name, lang }
}

function isPresent<T>(value: T | undefined): value is T {
  return value !== undefined
}
