/** XEP-0055 §2, §3: searches and what they find, as plain fields or as data forms. */
import { defineForm, readSubmission, renderForm, renderTable } from '../../server/protocol/data-form.ts'
import { FORM_TYPE, formIn } from '../../server/protocol/raw-form.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import { type Element, xml } from '../../server/xml/element.ts'
import { FIELDS, type Person } from './people.ts'

export const NS_SEARCH = 'jabber:iq:search'

/** How somebody has asked, and is answered. */
export type Style = 'fields' | 'form'

const INSTRUCTIONS = 'Fill in one or more fields to find people of this server.'

const searchForm = defineForm({
  type: NS_SEARCH,
  title: 'User Directory Search',
  instructions: INSTRUCTIONS,
  fields: [
    { type: 'text-single', var: 'first', label: 'Given Name' },
    { type: 'text-single', var: 'last', label: 'Family Name' },
    { type: 'text-single', var: 'nick', label: 'Nickname' },
    { type: 'text-single', var: 'email', label: 'Email Address' },
  ],
})

const tableForm = defineForm({
  fields: [...searchForm.fields, { type: 'text-single', var: 'jid', label: 'Jabber ID' }],
})

export function blankQuery(): Element {
  return xml(
    'query',
    { xmlns: NS_SEARCH },
    xml('instructions', {}, INSTRUCTIONS),
    ...FIELDS.map((field) => xml(field, {})),
    renderForm(searchForm),
  )
}

/** Throws StanzaError if a form is no submission of ours. */
export function readQuery(query: Element): { readonly style: Style; readonly said: Person } {
  const x = formIn(query)
  if (x === undefined) {
    const said = FIELDS.map((field) => [field, query.child(field)?.getText() ?? ''] as const)
    return { style: 'fields', said: Object.fromEntries(said) }
  }
  const submission = readSubmission(searchForm, x)
  if (submission === 'cancel') throw new StanzaError('bad-request', 'The data form must be of type submit')
  return { style: 'form', said: submission.values }
}

/** `found` is by bare JID. */
export function foundQuery(style: Style, found: ReadonlyMap<string, Person>): Element {
  if (style === 'fields') {
    const items = [...found].map(([jid, person]) =>
      xml('item', { jid }, ...FIELDS.map((field) => xml(field, {}, person[field]))),
    )
    return xml('query', { xmlns: NS_SEARCH }, ...items)
  }
  const table = renderTable(
    tableForm,
    [...found].map(([jid, person]) => ({ ...person, jid })),
  )
  // Other tables say no FORM_TYPE; the examples of XEP-0055 §3 do.
  const type = xml('field', { type: 'hidden', var: FORM_TYPE }, xml('value', {}, NS_SEARCH))
  return xml('query', { xmlns: NS_SEARCH }, xml('x', { ...table.attrs }, type, ...table.elements))
}
