/** Options that come from a program, a command line or a form instead of a config file. */
import { check } from './check.ts'
import type { ConfigNode, Place, Problem, Written } from './node.ts'
import { factsOf, type Fields, type Option, type OptionsOf, type Surroundings } from './option.ts'
import { ConfigError } from './report.ts'
import { t } from './types.ts'

const place: Place = { file: 'given', line: 1, column: 1, length: 1 }

/** Relative paths begin where the process is; secrets are given as they are. */
const noFile: Surroundings = {
  folder: '',
  env: {},
  readFile: () => {
    throw new Error('no secrets from files here')
  },
}

/** The options of a section with these written, and the others as they are by default. Throws ConfigError. */
export function optionsOf<const F extends Fields>(
  fields: F,
  written: Readonly<Record<string, unknown>> = {},
): OptionsOf<F> {
  const checked = check(t.object(fields), nodeOf(written), noFile)
  if ('ok' in checked) return checked.ok
  throw new ConfigError(checked.problems)
}

/** What a word stands for as a value of the option; items of a list are between commas. The problem says what was expected. */
export function readWord<T>(option: Option<T>, word: string): { readonly ok: T } | { readonly problem: string } {
  const problems: Problem[] = []
  for (const value of readingsOf(option, word)) {
    const checked = check(option, nodeOf(value), noFile)
    if ('ok' in checked) return checked
    problems.push(...checked.problems)
  }
  return { problem: problems[0]?.message ?? 'expected a value' }
}

/** Text first: without quotes on a command line, nothing says whether 5 is a number. */
function readingsOf(option: Option<unknown>, word: string): readonly unknown[] {
  const { items } = factsOf(option)
  if (items !== undefined) return [word.split(',').map((item) => fittingReading(items, item.trim()))]
  if (/^-?\d+$/.test(word)) return [word, Number(word)]
  if (/^(?:true|yes|on)$/i.test(word)) return [word, true]
  if (/^(?:false|no|off)$/i.test(word)) return [word, false]
  return [word]
}

function fittingReading(option: Option<unknown>, word: string): unknown {
  return readingsOf(option, word).find((value) => 'ok' in check(option, nodeOf(value), noFile)) ?? word
}

function nodeOf(value: unknown): ConfigNode {
  if (Array.isArray(value)) return { place, value: value.map(nodeOf) }
  if (typeof value !== 'object' || value === null) return { place, value: scalarOf(value) }
  const entries = Object.entries(value).map(([name, inner]) => [name, { key: place, node: nodeOf(inner) }] as const)
  return { place, value: new Map(entries) }
}

function scalarOf(value: unknown): Written {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : undefined
}
