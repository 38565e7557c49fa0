/** XEP-0128: forms in an answer of service discovery, reduced to what the hashes of XEP-0115 and XEP-0390 cover. */
import { type Element, xml } from '../xml/element.ts'
import { NS } from '../xml/ns.ts'
import { fieldsOf, FORM_TYPE } from './raw-form.ts'

export interface Extension {
  readonly formType: string
  /** Without FORM_TYPE; each `var` once. */
  readonly fields: readonly { readonly var: string; readonly values: readonly string[] }[]
}

/** 'untyped' is a form without a hidden FORM_TYPE; 'ill-formed' one that could be understood in more than one way. */
export function readExtension(x: Element): Extension | 'untyped' | 'ill-formed' {
  const fields = fieldsOf(x)
  const type = fields.find((field) => field.var === FORM_TYPE)
  if (type === undefined || type.type !== 'hidden') return 'untyped'
  const [formType, another] = new Set(type.values)
  if (formType === undefined || another !== undefined) return 'ill-formed'
  // What is listed is not hashed.
  if (x.child('reported') !== undefined || x.child('item') !== undefined) return 'ill-formed'
  const names = new Set(fields.map((field) => field.var))
  if (names.size < fields.length) return 'ill-formed'
  const others = fields.flatMap(({ var: name, values }) =>
    name === undefined || name === FORM_TYPE ? [] : { var: name, values },
  )
  return names.has(undefined) ? 'ill-formed' : { formType, fields: others }
}

export function extensionElement({ formType, fields }: Extension): Element {
  return xml(
    'x',
    { xmlns: NS.dataForms, type: 'result' },
    xml('field', { var: FORM_TYPE, type: 'hidden' }, xml('value', {}, formType)),
    ...fields.map(({ var: name, values }) =>
      xml('field', { var: name }, ...values.map((value) => xml('value', {}, value))),
    ),
  )
}
