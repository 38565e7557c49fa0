/** Options that a spec gives to a module, as they would be written in a config. */
import { check } from '../../../server/config/check.ts'
import type { ConfigNode, Place, Written } from '../../../server/config/node.ts'
import type { Fields, OptionsOf, Surroundings } from '../../../server/config/option.ts'
import { ConfigError } from '../../../server/config/report.ts'
import { t } from '../../../server/config/types.ts'

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

function nodeOf(value: unknown): ConfigNode {
  if (Array.isArray(value)) return { place, value: value.map(nodeOf) }
  if (typeof value !== 'object' || value === null) return { place, value: scalarOf(value) }
  const entries = Object.entries(value).map(([name, inner]) => [name, { key: place, node: nodeOf(inner) }] as const)
  return { place, value: new Map(entries) }
}

function scalarOf(value: unknown): Written {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : undefined
}
