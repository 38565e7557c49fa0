/** XEP-0004 §3.3: what a field holds, to and from the texts of its `<value/>`s. */
import { Jid } from '../jid/jid.ts'
import { type StanzaCondition, StanzaError } from '../stanza-error.ts'
import { describeDatatype, formatDatatype, parseDatatype, type Validation } from './form-datatype.ts'
import type { FieldValue, ListField, ListMultiField, TextField, TextMultiField, ValueField } from './form-field.ts'
import { parseBoolean } from './xsd.ts'

/** The texts of the `<value/>`s that say so. */
export function writeValue(field: ValueField, value: FieldValue): readonly string[] {
  if (typeof value === 'boolean') return [value ? '1' : '0']
  if (value instanceof Jid) return [value.full]
  if (typeof value === 'string' && field.type === 'text-multi') return value.split(LINE_END)
  if (typeof value === 'string' || typeof value === 'number' || value instanceof Date) return [formatDatatype(value)]
  return value.map((item) => (typeof item === 'string' ? item : item.full))
}

/**
 * What somebody has submitted for a field; undefined if nothing, where that is not itself a value. Throws StanzaError
 * with a text that names the field: bad-request for what is not of its type, not-acceptable for what we do not accept.
 */
export function readValue(field: ValueField, texts: readonly string[]): FieldValue | undefined {
  if (field.required === true && texts.every((text) => text === '')) throw refusal(field, 'bad-request', 'is required')
  // TypeScript does not see that the reader under the type of a field is one for that field.
  const read: Reader<never> = readers[field.type]
  return read(field as never, texts)
}

type Reader<F> = (field: F, texts: readonly string[]) => FieldValue | undefined

type FieldOfType<T, F = ValueField> = F extends { readonly type: infer U } ? (T extends U ? F : never) : never

const readers: { readonly [T in ValueField['type']]: Reader<FieldOfType<T>> } = {
  boolean: (field, texts) => readBoolean(field, onlyOne(field, texts)),
  hidden: (field, texts) => onlyOne(field, texts) ?? '',
  'text-single': (field, texts) => readText(field, onlyOne(field, texts) ?? ''),
  'text-private': (field, texts) => readText(field, onlyOne(field, texts) ?? ''),
  'text-multi': readLines,
  'list-single': (field, texts) => readChoice(field, onlyOne(field, texts) ?? ''),
  'list-multi': (field, texts) => [...new Set(texts.flatMap((text) => readChoice(field, text) ?? []))],
  'jid-single': (field, texts) => readJid(field, onlyOne(field, texts) ?? ''),
  'jid-multi': (field, texts) => {
    const jids = texts.flatMap((text) => readJid(field, text) ?? [])
    // The same address twice counts once (XEP-0004 §3.3).
    return [...new Map(jids.map((jid) => [jid.full, jid])).values()]
  },
}

const LINE_END = /\r\n|\r|\n/

function onlyOne(field: ValueField, [text, another]: readonly string[]): string | undefined {
  if (another !== undefined) throw refusal(field, 'bad-request', 'takes one value only')
  return text
}

/** Without a value it means "no" (XEP-0004 §3.3). */
function readBoolean(field: ValueField, text = 'false'): boolean {
  const value = parseBoolean(text)
  if (value === undefined) throw refusal(field, 'bad-request', 'must be 0, 1, true or false')
  return value
}

function readText(field: TextField, text: string): string | number | Date | undefined {
  checkLength(field, text)
  const validation = field.validation ?? ANY_TEXT
  const value = parseDatatype(text, validation)
  if (value !== undefined) return value
  if (text === '') return undefined
  throw refusal(field, 'not-acceptable', `must be ${describeDatatype(validation)}`)
}

function readLines(field: TextMultiField, texts: readonly string[]): string | readonly string[] {
  const text = texts.join('\n')
  checkLength(field, text)
  return field.validation?.open === true ? texts.filter((line) => line !== '') : text
}

function readChoice(field: ListField | ListMultiField, text: string): string | undefined {
  const { options, aliases = {}, validation } = field
  const value = Object.hasOwn(aliases, text) ? aliases[text] : text
  if (options.some((option) => option.value === value)) return value
  if (text === '') return undefined
  if (validation?.open === true) return value
  throw refusal(field, 'not-acceptable', 'must be one of the values that are offered')
}

function readJid(field: ValueField, text: string): Jid | undefined {
  if (text === '') return undefined
  const jid = Jid.tryParse(text)
  if (jid === undefined) throw refusal(field, 'bad-request', 'must be a valid address')
  return jid
}

function checkLength(field: TextField | TextMultiField, text: string): void {
  if (field.maxChars === undefined || text.length <= field.maxChars) return
  throw refusal(field, 'not-acceptable', `must not be longer than ${field.maxChars} characters`)
}

const ANY_TEXT: Validation = { datatype: 'xs:string' }

function refusal({ label, var: name }: ValueField, condition: StanzaCondition, complaint: string): StanzaError {
  return new StanzaError(condition, `${label === undefined ? name : `${label} (${name})`} ${complaint}`)
}
