/** What is known about an option besides its zod schema: how it is asked for, shown, and finished. */
import { z } from 'zod'

/** The type of an option: a zod schema, written by the vocabulary of `types.ts`. */
export type Option<T> = z.ZodType<T>

/** The options of a section, by name. */
export type Fields = { readonly [name: string]: Option<unknown> }

/** The values of a section whose options are declared so. */
export type OptionsOf<F extends Fields> = { readonly [K in keyof F]: z.output<F[K]> }

/** The world around a config file, on which some values depend. */
export interface Surroundings {
  /** Where relative paths begin: the folder of the config file. */
  readonly folder: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** The text of a file. Throws if it cannot be read. */
  readFile(path: string): string
}

export interface Facts {
  /** What can be written, to follow "expected": `a whole number, 1 or more`. */
  readonly expects: string
  /** A value as an admin would write it, in YAML or JSON; as it is if absent. */
  readonly written?: (value: never) => unknown
  /** Finishes a value with what is around the config. Throws SettleError. */
  readonly settle?: (value: never, surroundings: Surroundings) => unknown
  /** The value must not be shown. */
  readonly secret?: true
  /** The options of a section. */
  readonly fields?: Fields
  /** The items of a list. */
  readonly items?: Option<unknown>
  /** The values of a map. */
  readonly values?: Option<unknown>
  /** How a form asks for it, if not as for a word (XEP-0004 §3.3). */
  readonly field?: 'jid-single' | 'text-multi' | 'boolean'
}

/** A value that is well written but cannot be had; says why, after the name of the option. */
export class SettleError extends Error {
  override readonly name = 'SettleError'
}

/** Of the option, whether it has a default or not. An option that was made without our vocabulary has few. */
export function factsOf(option: Option<unknown>): Facts {
  // Only `types.ts` puts `option` there.
  return (bare(option).meta()?.['option'] as Facts | undefined) ?? { expects: 'a value' }
}

/** What is declared of the item, or of the entry of this name, in a value of the option. */
export function innerAt(option: Option<unknown>, key: PropertyKey): Option<unknown> | undefined {
  const { items, values, fields = {} } = factsOf(option)
  // A name from a file could be one that every object has.
  return items ?? values ?? (Object.hasOwn(fields, key) ? fields[String(key)] : undefined)
}

/** What the option is for, in a sentence or two. */
export function aboutOf(option: Option<unknown>): string | undefined {
  if (option.description !== undefined) return option.description
  const inner = innerOf(option)
  return inner === undefined ? undefined : aboutOf(inner)
}

/** What holds when the option is not written; `undefined` inside if that is nothing, and outside if it must be written. */
export function fallbackOf(option: Option<unknown>): { readonly value: unknown } | undefined {
  if (option instanceof z.ZodDefault) return { value: option.def.defaultValue }
  if (option instanceof z.ZodOptional) return { value: undefined }
  const inner = innerOf(option)
  return inner === undefined ? undefined : fallbackOf(inner)
}

/** What was written, as a value of the option; undefined if it is none. */
export function readValue<T>(option: Option<T>, text: unknown): { readonly value: T } | undefined {
  const result = option.safeParse(text)
  return result.success ? { value: result.data } : undefined
}

/** A value of the option as an admin would write it: lists, sections and scalars. */
export function written(option: Option<unknown>, value: unknown): unknown {
  const { written: write } = factsOf(option)
  // `value` is one of this option, which is what its facts are made for.
  if (write !== undefined) return write(value as never)
  const inside = (each: unknown, key: PropertyKey): unknown => {
    const inner = innerAt(option, key)
    return inner === undefined || each === undefined ? each : written(inner, each)
  }
  return mapInside(isMap(value) ? Object.fromEntries(value) : value, inside)
}

/** Paths made absolute, secrets fetched. What cannot be had is reported at its path in the value. */
export function settle(
  option: Option<unknown>,
  value: unknown,
  surroundings: Surroundings,
  report: (path: readonly PropertyKey[], reason: string) => void,
  path: readonly PropertyKey[] = [],
): unknown {
  if (value === undefined) return undefined
  const { settle: finish } = factsOf(option)
  if (finish === undefined) {
    return mapInside(value, (each, key) => {
      const inner = innerAt(option, key)
      return inner === undefined ? each : settle(inner, each, surroundings, report, [...path, key])
    })
  }
  try {
    return finish(value as never, surroundings)
  } catch (error) {
    if (!(error instanceof SettleError)) throw error
    report(path, error.message)
    return value
  }
}

/** A list, map or section with its parts replaced; anything else as it is. */
function mapInside(value: unknown, replace: (each: unknown, key: PropertyKey) => unknown): unknown {
  if (Array.isArray(value)) return value.map(replace)
  if (isMap(value)) return new Map([...value].map(([name, each]) => [name, replace(each, name)]))
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return value
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, replace(each, name)]))
}

/** The option without its default, or without leave to be absent; undefined if it has neither. */
function innerOf(option: Option<unknown>): Option<unknown> | undefined {
  const wraps = option instanceof z.ZodDefault || option instanceof z.ZodPrefault || option instanceof z.ZodOptional
  // What zod wraps is declared as its core type; all of ours are of the full one.
  return wraps ? (option.unwrap() as Option<unknown>) : undefined
}

function bare(option: Option<unknown>): Option<unknown> {
  const inner = innerOf(option)
  return inner === undefined ? option : bare(inner)
}

function isMap(value: unknown): value is ReadonlyMap<string, unknown> {
  return value instanceof Map
}

/** What there is to choose from; undefined if anything can be written. */
export function choicesOf(option: Option<unknown>): readonly string[] | undefined {
  const inner = bare(option)
  if (inner instanceof z.ZodBoolean) return ['true', 'false']
  return inner instanceof z.ZodEnum ? inner.options.map(String) : undefined
}
