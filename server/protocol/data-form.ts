/** XEP-0004, 0068, 0122: typed data forms. A form is declared once; what is sent and what is understood follow from it. */
import { StanzaError } from '../stanza-error.ts'
import { type Element, xml } from '../xml/element.ts'
import { NS } from '../xml/ns.ts'
import { validateElement } from './form-datatype.ts'
import { type Field, type FieldValue, nameOf, type ValueField, type ValuesOf } from './form-field.ts'
import { readValue, writeValue } from './form-value.ts'
import { mediaElement } from './media-element.ts'
import { type FormAction, FORM_TYPE, readForm } from './raw-form.ts'

/** A form as a declaration. It is a plain value: spread it to change the title or the options of a field. */
export interface Form<F extends readonly Field[] = readonly Field[]> {
  /** Its FORM_TYPE (XEP-0068). */
  readonly type?: string
  readonly title?: string
  readonly instructions?: string
  /** In the order in which they are shown. */
  readonly fields: F
}

/** What somebody has filled in. */
export interface Submission<F extends readonly Field[]> {
  /** Under the names of their fields; only what was submitted is there. */
  readonly values: Partial<ValuesOf<F>>
  /** Names of fields that were submitted empty, though empty is no value of theirs: an address, a number, a choice. */
  readonly cleared: readonly string[]
  /** `var` of submitted fields that the form does not have; they are ignored (XEP-0004 §3.1). */
  readonly unknown: readonly string[]
}

/** Checks that the names in a form are unique, and lets TypeScript see them. */
export function defineForm<const F extends readonly Field[]>(form: Form<F>): Form<F> {
  const fields = valueFields(form)
  const names = [fields.map((field) => field.var), fields.map(nameOf)]
  if (names.some((list) => new Set(list).size < list.length)) {
    throw new Error(`Two fields of the form ${form.type ?? form.title ?? ''} have the same name`)
  }
  return form
}

/** The form to be filled in. A field without a value shows its default. */
export function renderForm<F extends readonly Field[]>(form: Form<F>, values: Partial<ValuesOf<F>> = {}): Element {
  const given = untyped(values)
  const fields = form.fields.map((field) => {
    if (field.type === 'fixed') return xml('field', { type: 'fixed', label: field.label }, xml('value', {}, field.text))
    return askingField(field, given[nameOf(field)] ?? field.default)
  })
  return formElement('form', form, fields)
}

/** An answer, or an extension of service discovery (XEP-0128): the fields that have a value, without headings. */
export function renderResult<F extends readonly Field[]>(form: Form<F>, values: Partial<ValuesOf<F>>): Element {
  return formElement('result', form, filledFields(form, values, 'described'))
}

/** An answer of many items with the same fields (XEP-0004 §3.4). It has no place for a FORM_TYPE. */
export function renderTable<F extends readonly Field[]>(form: Form<F>, rows: readonly Partial<ValuesOf<F>>[]): Element {
  const columns = valueFields(form).map((field) => xml('field', attributesOf(field)))
  const items = rows.map((row) => xml('item', {}, ...filledFields(form, row, 'bare')))
  return formElement('result', { ...form, type: undefined }, [xml('reported', {}, ...columns), ...items])
}

/**
 * Reads what was submitted to a form: an `<x/>` of type submit, or 'cancel' if the person gave up. A field that was
 * left out stays as it is, unless it is required. Throws StanzaError with a text that names the field.
 */
export function readSubmission<F extends readonly Field[]>(
  form: Form<F>,
  x: Element | undefined,
): Submission<F> | 'cancel' {
  const { action, formType, fields: submitted } = readForm(x)
  if (action === 'cancel') return 'cancel'
  if (action !== 'submit') throw new StanzaError('bad-request', 'The data form must be of type submit')
  // A submission need not say which form it is for (XEP-0068 §4.1).
  if (form.type !== undefined && formType !== undefined && formType !== form.type) {
    throw new StanzaError('bad-request', `This is not a form of the type ${form.type}`)
  }

  const values = new Map<string, FieldValue>()
  const cleared: string[] = []
  const fields = valueFields(form)
  for (const field of fields) {
    const texts = submitted.get(field.var)?.values
    if (texts === undefined && field.required !== true) continue
    const value = readValue(field, texts ?? [])
    if (value === undefined) cleared.push(nameOf(field))
    else values.set(nameOf(field), value)
  }
  const known = new Set(fields.map((field) => field.var))
  const unknown = [...submitted.keys()].filter((name) => !known.has(name))
  // Each value was read as its own declaration says.
  return { values: Object.fromEntries(values) as Partial<ValuesOf<F>>, cleared, unknown }
}

function formElement(
  action: FormAction,
  form: Omit<Form, 'type'> & { type?: string | undefined },
  children: readonly Element[],
): Element {
  const { type, title, instructions } = form
  return xml(
    'x',
    { xmlns: NS.dataForms, type: action },
    title !== undefined && xml('title', {}, title),
    ...linesOf(instructions).map((line) => xml('instructions', {}, line)),
    type !== undefined && xml('field', { type: 'hidden', var: FORM_TYPE }, xml('value', {}, type)),
    ...children,
  )
}

function askingField(field: ValueField, value: FieldValue | undefined): Element {
  return xml(
    'field',
    attributesOf(field),
    field.desc !== undefined && xml('desc', {}, field.desc),
    field.required === true && xml('required', {}),
    field.media !== undefined && mediaElement(field.media),
    'validation' in field && field.validation !== undefined && validateElement(field.validation),
    ...valueElements(field, value),
    ...('options' in field ? field.options : []).map((option) =>
      xml('option', { label: option.label }, xml('value', {}, option.value)),
    ),
  )
}

function filledFields<F extends readonly Field[]>(
  form: Form<F>,
  values: Partial<ValuesOf<F>>,
  style: 'described' | 'bare',
): Element[] {
  const given = untyped(values)
  return valueFields(form).flatMap((field) => {
    const elements = valueElements(field, given[nameOf(field)])
    if (elements.length === 0) return []
    return xml('field', style === 'bare' ? { var: field.var } : attributesOf(field), ...elements)
  })
}

function valueElements(field: ValueField, value: FieldValue | undefined): Element[] {
  return value === undefined ? [] : writeValue(field, value).map((text) => xml('value', {}, text))
}

function attributesOf({ type, var: name, label }: ValueField): Record<string, string | undefined> {
  return { type, var: name, label }
}

function valueFields(form: Form): readonly ValueField[] {
  return form.fields.filter((field) => field.type !== 'fixed')
}

/** A line each, since neither titles nor instructions hold line ends (XEP-0004 §3). */
function linesOf(instructions: string | undefined): readonly string[] {
  return instructions === undefined ? [] : instructions.split('\n')
}

/** TypeScript cannot see that what is keyed by the names of some fields is keyed by strings. */
function untyped(values: object): Readonly<Record<string, FieldValue | undefined>> {
  return values as Readonly<Record<string, FieldValue | undefined>>
}
