/** The arguments of a command as a data form (XEP-0050 §2.4, XEP-0004). */
import { aboutOf, choicesOf, factsOf, fallbackOf, type Option, written } from '../../server/config/option.ts'
import type { AdHocProfile, AnyCommand } from '../../server/admin/command.ts'
import { defineForm, type Form, readSubmission } from '../../server/protocol/data-form.ts'
import type { FieldValue, ValueField } from '../../server/protocol/form-field.ts'
import type { Maybe } from '../../server/util/maybe.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import type { Element } from '../../server/xml/element.ts'
import { Jid } from '../../server/jid/jid.ts'

/** The form of a command; undefined if it has no arguments. */
export function formOf(command: AnyCommand): Form | undefined {
  const { omits = [], formType, repeated = {} } = command.adhoc ?? {}
  const asked = Object.entries(command.args).filter(([name]) => !omits.includes(name))
  if (asked.length === 0) return undefined
  const fields = asked.map(([name, option]) => fieldOf(name, option, command.adhoc))
  const again = Object.keys(repeated).map((name) => ({ var: name, type: 'text-private', label: 'once more' }) as const)
  const form = { title: titleOf(command), fields: [...fields, ...again] }
  return defineForm(formType === undefined ? form : { ...form, type: formType })
}

/** `user add` is shown as `User add: adds an account`. */
export function titleOf({ name, about }: AnyCommand): string {
  return `${name.charAt(0).toUpperCase()}${name.slice(1)}: ${about}`
}

/** What the form shows filled in besides its defaults. */
export function presetsOf({ adhoc }: AnyCommand): Maybe<Readonly<Record<string, FieldValue>>> {
  return adhoc?.presets?.() ?? {}
}

/** What was filled in, as words that one could have typed; undefined if the person gave up. */
export function wordsOf(command: AnyCommand, form: Form, x: Element | undefined): readonly string[] | undefined {
  const submission = readSubmission(form, x)
  if (submission === 'cancel') return undefined
  // A form that was put together from arguments has their names.
  const values = new Map(Object.entries(submission.values as Readonly<Record<string, FieldValue>>))
  for (const [field, argument] of Object.entries(command.adhoc?.repeated ?? {})) {
    const again = values.get(field)
    if (again !== undefined && again !== '' && again !== values.get(argument)) {
      throw new StanzaError('not-acceptable', `${argument} and ${field} differ`)
    }
    values.delete(field)
  }
  return [...values].flatMap(([name, value]) => textsOf(value).flatMap((text) => [`--${name}`, text]))
}

function textsOf(value: FieldValue): readonly string[] {
  const texts = Array.isArray(value) ? value : [value]
  return texts.map((each) => (each instanceof Jid ? each.full : String(each))).filter((text) => text !== '')
}

function fieldOf(name: string, option: Option<unknown>, { fields = {} }: AdHocProfile = {}): ValueField {
  const fallback = fallbackOf(option)
  const required = fallback === undefined
  const common = { var: fields[name] ?? name, name, label: aboutOf(option) ?? name.replaceAll('_', ' '), required }
  const preset = fallback?.value === undefined ? {} : { default: String(written(option, fallback.value)) }
  const { field, items, secret, expects } = factsOf(option)
  if (items !== undefined) return listField(common, items)
  if (field === 'boolean') return { ...common, type: field, default: fallback?.value === true }
  if (field === 'jid-single') return { ...common, type: field }
  if (field === 'text-multi') return { ...common, type: field, ...preset }
  const choices = choicesOf(option)
  if (choices !== undefined) {
    return { ...common, type: 'list-single', options: choices.map((value) => ({ value })), ...preset }
  }
  if (secret === true) return { ...common, type: 'text-private' }
  return { ...common, type: 'text-single', desc: expects, ...preset }
}

function listField(
  common: { var: string; name: string; label: string; required: boolean },
  items: Option<unknown>,
): ValueField {
  if (factsOf(items).field === 'jid-single') return { ...common, type: 'jid-multi' }
  // Each line is an item.
  return { ...common, type: 'text-multi', validation: { datatype: 'xs:string', open: true } }
}
