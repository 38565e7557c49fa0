/** Options as people look them up: in the sample, in the manual, in `madrigal config explain`. */
import { stringify } from 'yaml'
import { aboutOf, factsOf, fallbackOf, written, type Fields, type Option } from './option.ts'

export interface OptionText {
  readonly name: string
  /** What it is for; empty if nobody has said. */
  readonly about: string
  /** What can be written: `a whole number, 1 or more`. */
  readonly expects: string
  /** What holds when it is not written, in YAML; undefined if nothing does. */
  readonly fallback: string | undefined
  /** It cannot be left out. */
  readonly isRequired: boolean
  /** The options in it, if it is a section. */
  readonly fields: readonly OptionText[]
}

/** In the order of declaration. */
export function describeFields(fields: Fields): readonly OptionText[] {
  return Object.entries(fields).map(([name, option]) => describeOption(name, option))
}

function describeOption(name: string, option: Option<unknown>): OptionText {
  const { expects, fields, items, values } = factsOf(option)
  const fallback = fallbackOf(option)
  const inner = items ?? values
  return {
    name,
    about: aboutOf(option) ?? '',
    expects: inner === undefined ? expects : `${expects}, with ${factsOf(inner).expects} each`,
    fallback: fallback?.value === undefined ? undefined : toYaml(written(option, fallback.value)),
    isRequired: fallback === undefined && fields === undefined,
    fields: fields === undefined ? [] : describeFields(fields),
  }
}

/** On one line. */
function toYaml(value: unknown): string {
  return stringify(value, { collectionStyle: 'flow', flowCollectionPadding: false, lineWidth: 0 }).trim()
}
