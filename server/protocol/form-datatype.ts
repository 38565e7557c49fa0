/** XEP-0122: Data Forms Validation. What the text in a field stands for. */
import { type Element, xml } from '../xml/element.ts'
import { formatDateTime, parseDateTime } from './date-time.ts'
import { type IntegerRange, parseInteger } from './xsd.ts'

export const NS_VALIDATE = 'http://jabber.org/protocol/xdata-validate'

/** What a field of each datatype holds. */
export interface Datatypes {
  'xs:string': string
  'xs:integer': number
  'xs:dateTime': Date
  /** XEP-0060 §12.23; a range concerns the integers. */
  'pubsub:integer-or-max': number | 'max'
}
export type Datatype = keyof Datatypes

export interface Validation {
  readonly datatype: Datatype
  /** Of numbers. */
  readonly range?: IntegerRange
  /** A list takes also what is not among its options; in a field of type text-multi, each line is a value of its own (§3.2.2). */
  readonly open?: boolean
}

/** What a text stands for, or undefined if it is not of that datatype. */
export function parseDatatype(text: string, { datatype, range }: Validation): string | number | Date | undefined {
  return datatypes[datatype].parse(text, range)
}

/** What a field of that datatype takes, in words that follow "must be". */
export function describeDatatype({ datatype, range }: Validation): string {
  const { about } = datatypes[datatype]
  if (range?.min !== undefined && range.max !== undefined) return `${about} from ${range.min} to ${range.max}`
  if (range?.min !== undefined) return `${about}, at least ${range.min}`
  if (range?.max !== undefined) return `${about}, at most ${range.max}`
  return about
}

export function formatDatatype(value: string | number | Date): string {
  return value instanceof Date ? formatDateTime(value) : String(value)
}

export function validateElement({ datatype, range, open }: Validation): Element {
  return xml('validate', { xmlns: NS_VALIDATE, datatype }, methodElement(range, open))
}

const datatypes: {
  readonly [D in Datatype]: {
    readonly about: string
    parse(text: string, range?: IntegerRange): Datatypes[D] | undefined
  }
} = {
  'xs:string': { about: 'a text', parse: (text) => text },
  'xs:integer': { about: 'a whole number', parse: parseInteger },
  'xs:dateTime': { about: 'a date and time with its zone', parse: (text) => parseDateTime(text.trim()) },
  'pubsub:integer-or-max': {
    about: '"max" or a whole number',
    parse: (text, range) => (text === 'max' ? text : parseInteger(text, range)),
  },
}

/** One method at most; basic is what is meant without any (§3.2). */
function methodElement(range: IntegerRange | undefined, open: boolean | undefined): Element {
  if (range !== undefined) return xml('range', { min: range.min?.toString(), max: range.max?.toString() })
  return xml(open === true ? 'open' : 'basic', {})
}
