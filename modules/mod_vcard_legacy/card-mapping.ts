/** XEP-0292 §11: cards of the old format (XEP-0054) and of the new one (RFC 6351), from each to the other. Pictures are not part of it. */
import { type Element, xml } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'

export const NS_VCARD4 = 'urn:ietf:params:xml:ns:vcard-4.0'

/** What the new format has no place for is left out. */
export function toVcard4(card: Element): Element {
  const properties = propertiesOf(card).flatMap((child) => rulesByOld.get(child.name)?.toNew(child) ?? [])
  // A card has a name, if an empty one (RFC 6350 §6.2.1).
  const isNamed = properties.some(({ name }) => name === 'fn')
  return xml('vcard', { xmlns: NS_VCARD4 }, !isNamed && xml('fn', {}, xml('text', {})), ...properties)
}

/** What the old format has no place for is left out. */
export function toVcardTemp(card: Element): Element {
  const properties = propertiesOf(card).flatMap((child) => rulesByNew.get(child.name)?.toOld(child) ?? [])
  return xml('vCard', { xmlns: NS.vcard }, ...properties)
}

function propertiesOf({ elements, ns }: Element): readonly Element[] {
  return elements.filter((child) => child.ns === ns)
}

/** How one property is called and written here and there. Undefined for one that says nothing. */
interface Rule {
  readonly old: string
  readonly new: string
  toNew(property: Element): Element | undefined
  toOld(property: Element): Element | undefined
}

/** The parts of a name or an address, in the order of the old format. */
type Parts = readonly (readonly [old: string, newer: string])[]

const NAME: Parts = [
  ['FAMILY', 'surname'],
  ['GIVEN', 'given'],
  ['MIDDLE', 'additional'],
  ['PREFIX', 'prefix'],
  ['SUFFIX', 'suffix'],
]

const ADDRESS: Parts = [
  ['POBOX', 'pobox'],
  ['EXTADD', 'ext'],
  ['STREET', 'street'],
  ['LOCALITY', 'locality'],
  ['REGION', 'region'],
  ['PCODE', 'code'],
  ['CTRY', 'country'],
]

/** Kinds of addresses and numbers: empty elements there, a parameter here. */
const TYPES: Parts = [
  ['HOME', 'home'],
  ['WORK', 'work'],
  ['VOICE', 'voice'],
  ['FAX', 'fax'],
  ['PAGER', 'pager'],
  ['MSG', 'text'],
  ['CELL', 'cell'],
  ['VIDEO', 'video'],
]

const rules: readonly Rule[] = [
  single('FN', 'fn', 'text'),
  structured('N', 'n', NAME),
  single('NICKNAME', 'nickname', 'text'),
  single('BDAY', 'bday', 'date'),
  structured('ADR', 'adr', ADDRESS),
  {
    old: 'TEL',
    new: 'tel',
    toNew: (tel) => typed(tel, 'tel', xml('uri', {}, `tel:${textOf(tel, 'NUMBER') ?? ''}`), textOf(tel, 'NUMBER')),
    toOld: (tel) => {
      const number = (textOf(tel, 'uri') ?? textOf(tel, 'text'))?.replace(/^tel:/, '')
      return number === undefined ? undefined : xml('TEL', {}, ...oldTypes(tel), xml('NUMBER', {}, number))
    },
  },
  {
    old: 'EMAIL',
    new: 'email',
    toNew: (email) => typed(email, 'email', xml('text', {}, textOf(email, 'USERID')), textOf(email, 'USERID')),
    toOld: (email) => {
      const address = textOf(email, 'text')
      if (address === undefined) return undefined
      return xml('EMAIL', {}, ...oldTypes(email), xml('INTERNET', {}), xml('USERID', {}, address))
    },
  },
  {
    old: 'JABBERID',
    new: 'impp',
    toNew: (jid) => filled('impp', 'uri', jid.getText().trim() && `xmpp:${jid.getText().trim()}`),
    toOld: (impp) => {
      const uri = textOf(impp, 'uri')
      return uri?.startsWith('xmpp:') === true ? xml('JABBERID', {}, uri.slice('xmpp:'.length)) : undefined
    },
  },
  single('TZ', 'tz', 'text'),
  {
    old: 'GEO',
    new: 'geo',
    toNew: (geo) => {
      const [latitude, longitude] = [textOf(geo, 'LAT'), textOf(geo, 'LON')]
      const isWhole = latitude !== undefined && longitude !== undefined
      return isWhole ? filled('geo', 'uri', `geo:${latitude},${longitude}`) : undefined
    },
    toOld: (geo) => {
      const [, latitude, longitude] = /^geo:([^,;]+),([^,;]+)/.exec(textOf(geo, 'uri') ?? '') ?? []
      if (latitude === undefined || longitude === undefined) return undefined
      return xml('GEO', {}, xml('LAT', {}, latitude), xml('LON', {}, longitude))
    },
  },
  single('TITLE', 'title', 'text'),
  single('ROLE', 'role', 'text'),
  {
    old: 'ORG',
    new: 'org',
    // The units have lost their name, not their place (RFC 6351, property-org).
    toNew: (org) => {
      const texts = ['ORGNAME', 'ORGUNIT'].flatMap((name) => textsOf(org, name))
      return texts.length === 0 ? undefined : xml('org', {}, ...texts.map((text) => xml('text', {}, text)))
    },
    toOld: (org) => {
      const [name, ...units] = textsOf(org, 'text')
      if (name === undefined) return undefined
      return xml('ORG', {}, xml('ORGNAME', {}, name), ...units.map((unit) => xml('ORGUNIT', {}, unit)))
    },
  },
  {
    old: 'CATEGORIES',
    new: 'categories',
    toNew: (list) => listed('categories', 'text', textsOf(list, 'KEYWORD')),
    toOld: (list) => listed('CATEGORIES', 'KEYWORD', textsOf(list, 'text')),
  },
  single('DESC', 'note', 'text'),
  single('NOTE', 'note', 'text'),
  single('PRODID', 'prodid', 'text'),
  single('UID', 'uid', 'text'),
  single('URL', 'url', 'uri'),
]

const rulesByOld: ReadonlyMap<string, Rule> = new Map(rules.map((rule) => [rule.old, rule]))
/** Of two that lead to the same property, the first leads back. */
const rulesByNew: ReadonlyMap<string, Rule> = new Map(rules.toReversed().map((rule) => [rule.new, rule]))

/** One value, in an element that says of what kind it is. */
function single(old: string, newer: string, kind: 'text' | 'uri' | 'date'): Rule {
  return {
    old,
    new: newer,
    toNew: (property) => filled(newer, kind, property.getText().trim()),
    toOld: (property) => {
      const text = textOf(property, kind) ?? textOf(property, 'text')
      return text === undefined ? undefined : xml(old, {}, text)
    },
  }
}

function structured(old: string, newer: string, parts: Parts): Rule {
  return {
    old,
    new: newer,
    toNew: (property) => {
      const children = parts.map(([from, to]) => xml(to, {}, textOf(property, from)))
      return xml(newer, {}, parametersOf(property), ...children)
    },
    toOld: (property) => {
      const children = parts.map(([to, from]) => xml(to, {}, textsOf(property, from).join(' ')))
      return xml(old, {}, ...oldTypes(property), ...children)
    },
  }
}

function typed(property: Element, name: string, value: Element, text: string | undefined): Element | undefined {
  return text === undefined ? undefined : xml(name, {}, parametersOf(property), value)
}

function filled(name: string, kind: string, text: string): Element | undefined {
  return text === '' ? undefined : xml(name, {}, xml(kind, {}, text))
}

function listed(name: string, each: string, texts: readonly string[]): Element | undefined {
  return texts.length === 0 ? undefined : xml(name, {}, ...texts.map((text) => xml(each, {}, text)))
}

function parametersOf(property: Element): Element | undefined {
  const types = TYPES.filter(([old]) => property.child(old) !== undefined).map(([, type]) => xml('text', {}, type))
  const isPreferred = property.child('PREF') !== undefined
  if (types.length === 0 && !isPreferred) return undefined
  return xml(
    'parameters',
    {},
    types.length > 0 && xml('type', {}, ...types),
    isPreferred && xml('pref', {}, xml('integer', {}, '1')),
  )
}

function oldTypes(property: Element): readonly Element[] {
  const parameters = property.child('parameters')
  const types = new Set(parameters?.child('type')?.elements.map((type) => type.getText().trim().toLowerCase()))
  const elements = TYPES.filter(([, type]) => types.has(type)).map(([old]) => xml(old, {}))
  return parameters?.child('pref') === undefined ? elements : [...elements, xml('PREF', {})]
}

/** The text of a child; undefined if there is none. */
function textOf(parent: Element, name: string): string | undefined {
  return textsOf(parent, name)[0]
}

function textsOf(parent: Element, name: string): readonly string[] {
  return parent.elements
    .filter((child) => child.name === name && child.ns === parent.ns)
    .map((child) => child.getText().trim())
    .filter((text) => text !== '')
}
