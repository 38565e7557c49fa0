import t from 'tap'
import { parse } from 'yaml'
import { type Config, loadConfig } from '../../../server/config/config.ts'
import { diffConfig } from '../../../server/config/diff.ts'
import { configSchema } from '../../../server/config/json-schema.ts'
import { optionsManual, optionsTable } from '../../../server/config/manual.ts'
import { sampleConfig } from '../../../server/config/sample.ts'
import { t as type } from '../../../server/config/types.ts'
import { declarations } from './declarations.ts'

const file = '/etc/madrigal/madrigal.yaml'
const sample = sampleConfig(declarations, { domain: 'localhost', schema: 'madrigal.schema.json' })

function load(text: string | undefined): Config {
  const loaded = loadConfig({ file, text, ...declarations })
  if ('ok' in loaded) return loaded.ok
  throw new Error(loaded.problems.map(({ place, message }) => `${place.line}: ${message}`).join('\n'))
}

/** As an admin does who changes an option. */
function uncommented(text: string): string {
  return text.replace(/^(\s*)#(?=\S)/gm, '$1')
}

t.test('the sample means what no config means', async (t) => {
  const { server, listeners, modules, hosts } = diffConfig(load(undefined), load(sample))
  t.same(
    [server, listeners, modules, hosts],
    [[], { opened: [], closed: [] }, { added: [], removed: [], changed: [] }, { added: [], removed: [], changed: [] }],
  )
})

t.test('its options are the defaults', async (t) => {
  const named = uncommented(sample)
    .replace('  mirror:', '  mirror: false #')
    .replace(/^ +users: .*$/m, '')
  const { server, hosts, modules } = diffConfig(load(undefined), load(named))
  t.same([server, modules.changed, modules.removed, hosts.removed], [[], [], [], []])
  t.same(hosts.changed, [
    { domain: 'localhost', options: [], modules: { added: ['register', 'mam'], removed: [], changed: [] } },
  ])
})

t.test('it is read by people', async (t) => {
  t.match(sample, /^# yaml-language-server: \$schema=madrigal\.schema\.json\n# The configuration of Madrigal\. /)
  t.match(
    sample,
    `
  # Keeps a history of each user's messages. Runs only if named.
  #mam:
    # How long messages are kept.
    #expire_after: 1 week
    # What is kept unless a user wishes otherwise.
    #default_policy: always
`,
  )
  t.match(
    sample,
    `
  # Has rooms to talk in.
  conference.localhost:
    is: muc
`,
  )
  t.ok(sample.split('\n').every((line) => line.length <= 96 || line.includes('# clients: ')))
  t.notMatch(sample, /[ \t]\n|\n\n\n|\n\n$/)
})

interface JsonSchema {
  readonly type?: string | readonly string[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly anyOf?: readonly JsonSchema[]
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly additionalProperties?: JsonSchema | boolean
  readonly required?: readonly string[]
  readonly items?: JsonSchema
  readonly minimum?: number
  readonly maximum?: number
  readonly default?: unknown
  readonly description?: string
}

const schema = configSchema(declarations) as JsonSchema

/** As much of JSON Schema as ours uses. */
function fits(rule: JsonSchema, value: unknown): boolean {
  if (rule.anyOf !== undefined && !rule.anyOf.some((each) => fits(each, value))) return false
  if (rule.type !== undefined && ![rule.type].flat().includes(typeOf(value, rule.type))) return false
  if (rule.enum !== undefined && !rule.enum.includes(value)) return false
  if (rule.const !== undefined && rule.const !== value) return false
  if (typeof value === 'number') return value >= (rule.minimum ?? -Infinity) && value <= (rule.maximum ?? Infinity)
  if (Array.isArray(value)) return value.every((item) => fits(rule.items ?? {}, item))
  if (typeof value !== 'object' || value === null) return true
  if (rule.required?.some((name) => !(name in value)) === true) return false
  return Object.entries(value).every(([name, inner]) => {
    const property = rule.properties?.[name] ?? rule.additionalProperties ?? true
    return typeof property === 'boolean' ? property : fits(property, inner)
  })
}

function typeOf(value: unknown, wanted: JsonSchema['type']): string {
  if (value === null) return 'null'
  if (Array.isArray(value)) return 'array'
  if (Number.isInteger(value) && [wanted].flat().includes('integer')) return 'integer'
  return typeof value
}

t.test('the JSON Schema accepts what we accept', async (t) => {
  for (const text of [
    sample,
    uncommented(sample)
      .replace('  mirror:', '  mirror: { users: {} } #')
      .replace(/^ +users: .*$/m, ''),
  ]) {
    t.ok(fits(schema, parse(text)))
  }
  const right = [
    'hosts: { a.example: , rooms.a.example: { is: muc, max_rooms: 5, modules: [disco] } }',
    'listen: { c2s: [5222, "127.0.0.1:5222"], http: [] }',
    'modules: [disco, mam]',
    'modules: { mam: { expire_after: never }, roster: false, metrics: , mirror: { url: "https://b.example" } }',
    'storage: { driver: postgres, url: { env: DATABASE } }',
  ]
  for (const text of right) t.ok(fits(schema, parse(text)), text)
})

t.test('and refuses what we refuse', async (t) => {
  const wrong = [
    '[]',
    'dta: here',
    'c2s: { max_connections_per_address: 0 }',
    'c2s: { max_connections_per_address: many }',
    'log: { level: loud }',
    'modules: [mma]',
    'modules: { mma: }',
    'modules: [muc]',
    'modules: { mam: { expires: 1 week } }',
    'hosts: { a.example: { modules: [metrics] } }',
    'hosts: { a.example: { is: mcu } }',
    'hosts: { a.example: { max_rooms: 5 } }',
    'hosts: { a.example: { tls: { key: a } } }',
    'storage: { url: { fil: a } }',
  ]
  for (const text of wrong) {
    t.notOk(fits(schema, parse(text)), text)
    t.ok('problems' in loadConfig({ file, text, ...declarations }), text)
  }
})

t.test('the JSON Schema says what an editor shows', async (t) => {
  const c2s = schema.properties?.['c2s']?.properties
  t.equal(c2s?.['auth_timeout']?.default, '30 seconds')
  t.match(c2s?.['auth_timeout']?.description, /log in/)
  t.equal(c2s?.['stanza_size']?.default, '256 KiB')
  t.same(schema.properties?.['listen']?.properties?.['c2s']?.default, [5222])
  t.equal(schema.properties?.['data']?.default, 'data')
  t.notMatch(JSON.stringify(schema), /"option"|\(secret\)|9007199254740991/)
})

t.test('tables of options for the manual', async (t) => {
  const fields = {
    mode: type.oneOf('a', 'b').default('a').describe('How | or where.'),
    limits: type.object({ time: type.duration({ max: 60 }).describe('How long.') }).describe('Bounds.'),
  }
  t.equal(
    optionsTable(fields),
    `| option | default | what it is for |
|---|---|---|
| \`mode\` | \`a\` | How \\| or where. *One of a, b.* |
| **\`limits\`** |  | Bounds. |
| \`limits.time\` | must be set | How long. *A duration such as "10 minutes", 0 seconds to 1 minute.* |`,
  )
  t.match(optionsManual(declarations), '### muc\n\nAt a host with `is: muc`. This module has rooms to talk in.\n\n|')
})
