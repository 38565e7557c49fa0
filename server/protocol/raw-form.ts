/** XEP-0004, 0068: a data form as it was sent, for whoever does not know its fields beforehand. */
import { StanzaError } from '../stanza-error.ts'
import type { Element } from '../xml/element.ts'
import { NS } from '../xml/ns.ts'

/** The field that names the kind of form (XEP-0068 §3.1). */
export const FORM_TYPE = 'FORM_TYPE'

const formActions = ['form', 'submit', 'cancel', 'result'] as const
/** What a form is for: to be filled in, filled in, given up, or an answer (XEP-0004 §3.1). */
export type FormAction = (typeof formActions)[number]

export interface RawField {
  /** Undefined where the sender left it out, as it may in a submission. */
  readonly type: string | undefined
  readonly values: readonly string[]
}

export interface RawForm {
  readonly action: FormAction
  /** Undefined if the form does not say, or says so in a field that does not count (XEP-0068 §4.3). */
  readonly formType: string | undefined
  /** By `var`, in the order of the form, without FORM_TYPE and without headings. */
  readonly fields: ReadonlyMap<string, RawField>
}

/** The data form among the children of a payload or message. */
export function formIn(parent: Element): Element | undefined {
  return parent.child('x', NS.dataForms)
}

/**
 * Reads a form of any kind. Throws StanzaError if the element is no data form, or if two fields share a `var`, since
 * nobody can tell which was meant (XEP-0004 §3.2).
 */
export function readForm(x: Element | undefined): RawForm {
  if (x === undefined || x.name !== 'x' || x.ns !== NS.dataForms)
    throw new StanzaError('bad-request', 'A data form is missing')
  const action = formActions.find((known) => known === x.attrs['type'])
  if (action === undefined) throw new StanzaError('bad-request', 'The data form has no valid type')

  const fields = new Map<string, RawField>()
  for (const { var: name, type, values } of fieldsOf(x)) {
    if (name === undefined) continue
    if (fields.has(name)) throw new StanzaError('bad-request', 'The data form has two fields of the same name')
    fields.set(name, { type, values })
  }
  const formType = formTypeOf(action, fields.get(FORM_TYPE))
  if (formType !== undefined) fields.delete(FORM_TYPE)
  return { action, formType, fields }
}

/** The first value of a field, or undefined if the form has no such field, or none in it. */
export function valueIn(form: RawForm, name: string): string | undefined {
  return form.fields.get(name)?.values[0]
}

/** The fields of an `<x/>` one after another, whatever is wrong with them. */
export function fieldsOf(x: Element): readonly (RawField & { readonly var: string | undefined })[] {
  return x.elements
    .filter(({ name, ns }) => name === 'field' && ns === NS.dataForms)
    .map((field) => ({ var: field.attrs['var'], type: field.attrs['type'], values: valuesOf(field) }))
}

function valuesOf(field: Element): readonly string[] {
  return field.elements
    .filter(({ name, ns }) => name === 'value' && ns === NS.dataForms)
    .map((value) => value.getText())
}

function formTypeOf(action: FormAction, field: RawField | undefined): string | undefined {
  if (field === undefined) return undefined
  // A submission may leave types out; elsewhere the field counts only if it is hidden (XEP-0068 §5).
  if (action !== 'submit' && field.type !== 'hidden') return undefined
  if (new Set(field.values).size > 1) throw new StanzaError('bad-request', 'The data form has more than one FORM_TYPE')
  return field.values[0]
}
