/** XEP-0004 §3.2, §3.3: the fields of a form as declarations, and what TypeScript makes of them. */
import type { Jid } from '../jid/jid.ts'
import type { Datatype, Datatypes, Validation } from './form-datatype.ts'
import type { Media } from './media-element.ts'

/** What a person may choose in a list. */
export interface Option<V extends string = string> {
  readonly value: V
  readonly label?: string
}

interface Common {
  /** As on the wire; unique in its form. */
  readonly var: string
  /** Under which the program knows the value, if not as `var`. */
  readonly name?: string
  readonly label?: string
  /** More than fits in a label. */
  readonly desc?: string
  /** A submission without it is refused. */
  readonly required?: boolean
  readonly media?: Media
}

export interface TextField extends Common {
  readonly type: 'text-single' | 'text-private'
  readonly validation?: Validation
  readonly default?: string | number | Date
  readonly maxChars?: number
}

/** Lines that make one text, or as many values if it is validated as open (XEP-0122 §3.2.2). */
export interface TextMultiField extends Common {
  readonly type: 'text-multi'
  readonly validation?: Validation & { readonly datatype: 'xs:string' }
  readonly default?: string | readonly string[]
  readonly maxChars?: number
}

export interface BooleanField extends Common {
  readonly type: 'boolean'
  readonly default?: boolean
}

interface Choice extends Common {
  readonly options: readonly Option[]
  readonly validation?: Validation & { readonly datatype: 'xs:string' }
  /** Older spellings of options that are still understood, and what they mean. */
  readonly aliases?: Readonly<Record<string, string>>
}

export interface ListField extends Choice {
  readonly type: 'list-single'
  readonly default?: string
}

export interface ListMultiField extends Choice {
  readonly type: 'list-multi'
  readonly default?: readonly string[]
}

export interface JidField extends Common {
  readonly type: 'jid-single'
  readonly default?: Jid
}

export interface JidMultiField extends Common {
  readonly type: 'jid-multi'
  readonly default?: readonly Jid[]
}

/** Not shown, but sent back with the form. */
export interface HiddenField extends Common {
  readonly type: 'hidden'
  readonly default?: string
}

/** A heading; it has no value and is not submitted. */
export interface FixedField {
  readonly type: 'fixed'
  readonly text: string
  readonly label?: string
}

export type ValueField =
  | TextField
  | TextMultiField
  | BooleanField
  | ListField
  | ListMultiField
  | JidField
  | JidMultiField
  | HiddenField
export type Field = ValueField | FixedField

/** What any field may hold. */
export type FieldValue = string | number | boolean | Date | Jid | readonly string[] | readonly Jid[]

/** What a field of that declaration holds. */
export type ValueOf<F> = F extends { readonly type: 'boolean' }
  ? boolean
  : F extends { readonly type: 'jid-single' }
    ? Jid
    : F extends { readonly type: 'jid-multi' }
      ? readonly Jid[]
      : F extends { readonly type: 'list-single' }
        ? ChoiceOf<F>
        : F extends { readonly type: 'list-multi' }
          ? readonly ChoiceOf<F>[]
          : F extends { readonly type: 'text-multi' }
            ? LinesOf<F>
            : F extends { readonly validation: { readonly datatype: infer D extends Datatype } }
              ? Datatypes[D]
              : string

/** The values of fields, each under its name; of a form put together at run time, whatever there may be. */
export type ValuesOf<F extends readonly Field[]> = {
  readonly [N in Extract<F[number], ValueField> as NameOf<N>]: string extends N['var'] ? FieldValue : ValueOf<N>
}

/** The name under which the program knows a field. */
export function nameOf(field: ValueField): string {
  return field.name ?? field.var
}

type NameOf<F extends ValueField> = F extends { readonly name: infer N extends string } ? N : F['var']

type LinesOf<F> = F extends { readonly validation: { readonly open: true } } ? readonly string[] : string

type ChoiceOf<F> = F extends { readonly validation: { readonly open: true } }
  ? string
  : F extends { readonly options: readonly Option<infer V>[] }
    ? V
    : string
