/** The arguments of a command as a data form (XEP-0050 §2.4, XEP-0004). */
import { aboutOf, choicesOf, factsOf, fallbackOf, type Option, written } from '../../server/config/option.ts'
import type { AnyCommand } from '../../server/admin/command.ts'
import { defineForm, type Form, readSubmission } from '../../server/protocol/data-form.ts'
import type { ValueField } from '../../server/protocol/form-field.ts'
import type { Element } from '../../server/xml/element.ts'
import { Jid } from '../../server/jid/jid.ts'

export function formOf(command: AnyCommand): Form {
  const fields = Object.entries(command.args).map(([name, option]) => fieldOf(name, option))
  return defineForm({ title: titleOf(command), fields })
}

/** `user add` is shown as `User add: adds an account`. */
export function titleOf({ name, about }: AnyCommand): string {
  return `${name.charAt(0).toUpperCase()}${name.slice(1)}: ${about}`
}

/** What was filled in, as words that one could have typed; undefined if the person gave up. */
export function wordsOf(form: Form, x: Element | undefined): readonly string[] | undefined {
  const submission = readSubmission(form, x)
  if (submission === 'cancel') return undefined
  return Object.entries(submission.values).flatMap(([name, value]) => {
    const text = value instanceof Jid ? value.full : String(value)
    return text === '' ? [] : [`--${name}`, text]
  })
}

function fieldOf(name: string, option: Option<unknown>): ValueField {
  const fallback = fallbackOf(option)
  const common = { var: name, label: aboutOf(option) ?? name.replaceAll('_', ' '), required: fallback === undefined }
  const preset = fallback?.value === undefined ? {} : { default: String(written(option, fallback.value)) }
  const choices = choicesOf(option)
  if (choices !== undefined) {
    return { ...common, type: 'list-single', options: choices.map((value) => ({ value })), ...preset }
  }
  if (factsOf(option).secret === true) return { ...common, type: 'text-private' }
  return { ...common, type: 'text-single', desc: factsOf(option).expects, ...preset }
}
