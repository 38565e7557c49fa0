import assert from 'node:assert/strict'
import fc from 'fast-check'
import t from 'tap'
import {
  checkPreconditions,
  configForm,
  configResult,
  type NodeConfig,
  readConfig,
  readPreconditions,
  usualConfig,
} from '../../../modules/mod_pubsub/node-config.ts'
import { StanzaError } from '../../../server/stanza-error.ts'
import { type Element, xml } from '../../../server/xml/element.ts'

const MOST_ITEMS = 256
const BOUNDS = { mostItems: MOST_ITEMS, seesPresence: true }
const usual: NodeConfig = {
  ...usualConfig,
  max_items: 1,
  access_model: 'presence',
  send_last_published_item: 'on_sub_and_presence',
}

const text = fc.string({ maxLength: 20, unit: 'grapheme' }).map((value) => value.replaceAll(/[\r\n]/g, ''))
const integerOrMax = (min: number, max: number): fc.Arbitrary<number | 'max'> =>
  fc.oneof(fc.integer({ min, max }), fc.constant('max' as const))

const configs: fc.Arbitrary<NodeConfig> = fc.record({
  title: text,
  description: text,
  type: text,
  max_items: integerOrMax(1, MOST_ITEMS),
  persist_items: fc.boolean(),
  access_model: fc.constantFrom('authorize', 'open', 'presence', 'roster', 'whitelist'),
  roster_groups_allowed: fc.uniqueArray(
    text.filter((group) => group !== ''),
    { maxLength: 3 },
  ),
  publish_model: fc.constantFrom('publishers', 'subscribers', 'open'),
  send_last_published_item: fc.constantFrom('never', 'on_sub', 'on_sub_and_presence'),
  deliver_notifications: fc.boolean(),
  deliver_payloads: fc.boolean(),
  notification_type: fc.constantFrom('normal', 'headline', 'chat'),
  notify_delete: fc.boolean(),
  notify_retract: fc.boolean(),
  itemreply: fc.constantFrom('owner', 'publisher', 'none'),
  item_expire: integerOrMax(0, 10_000_000),
  publish_node_full: fc.constantFrom('retract-oldest', 'discard-oldest', 'reject'),
  max_payload_size: fc.integer({ min: 0, max: 1_000_000 }),
  notify_config: fc.boolean(),
  notify_sub: fc.boolean(),
  subscribe: fc.boolean(),
  language: text,
  contact: fc.uniqueArray(fc.constantFrom('romeo@montague.example', 'juliet@capulet.example', 'escalus.example')),
  node_type: fc.constant('leaf'),
  presence_based_delivery: fc.boolean(),
  purge_offline: fc.boolean(),
  tempsub: fc.boolean(),
})

/** What a client does with a form: it fills in what it is shown. */
function filledIn(form: Element): Element {
  const fields = form.elements
    .filter(({ name }) => name === 'field')
    .map(({ attrs, elements }) =>
      xml(
        'field',
        { var: attrs['var'] },
        ...elements.filter(({ name }) => name === 'value').map((value) => xml('value', {}, value.getText())),
      ),
    )
  return xml('x', { xmlns: 'jabber:x:data', type: 'submit' }, ...fields)
}

t.test('a form that comes back as it was sent changes nothing', async () => {
  fc.assert(
    fc.property(configs, (config) => {
      const read = readConfig(filledIn(configForm(config, BOUNDS)), BOUNDS)
      assert.deepEqual(sorted({ ...usual, ...read }), sorted(config))
    }),
  )
})

t.test('a node meets whatever it is shown to be', async () => {
  fc.assert(
    fc.property(configs, (config) => {
      checkPreconditions(config, readPreconditions(filledIn(configForm(config, BOUNDS)), BOUNDS))
    }),
  )
})

t.test('a node meets nothing that it is not', async () => {
  fc.assert(
    fc.property(configs, configs, (one, other) => {
      const required = readPreconditions(filledIn(configForm(other, BOUNDS)), BOUNDS)
      const differing = Object.keys(required).filter(
        (name) => !isSame(Reflect.get(one, name), Reflect.get(required, name)),
      )
      const met = (): void => checkPreconditions(one, required)
      if (differing.length === 0) met()
      else assert.throws(met, { condition: 'conflict', text: `Field does not match: ${differing[0]}` })
    }),
  )
})

t.test('the usual fields come in the order that clients have been tested with, and no others', async (t) => {
  const names = configForm(usual, BOUNDS)
    .elements.filter(({ name }) => name === 'field')
    .map(({ attrs }) => `${attrs['var']?.replace('pubsub#', '')} ${attrs['type']}`)
  t.strictSame(names, [
    'FORM_TYPE hidden',
    'title text-single',
    'description text-single',
    'type text-single',
    'max_items text-single',
    'persist_items boolean',
    'access_model list-single',
    'roster_groups_allowed list-multi',
    'publish_model list-single',
    'send_last_published_item list-single',
    'deliver_notifications boolean',
    'deliver_payloads boolean',
    'notification_type list-single',
    'notify_delete boolean',
    'notify_retract boolean',
    'itemreply list-single',
  ])
})

t.test('an announcement has what is set', async (t) => {
  const result = configResult({ ...usual, title: 'News', subscribe: false }, BOUNDS)
  const values = result.elements.map(({ attrs, elements }) => `${attrs['var']}=${elements[0]?.getText()}`)
  t.ok(values.includes('pubsub#title=News'))
  t.ok(values.includes('pubsub#subscribe=0'))
  t.notOk(values.some((value) => value.startsWith('pubsub#description')))
})

t.test('what cannot be is refused', async (t) => {
  const submit = (name: string, value: string): Element =>
    xml(
      'x',
      { xmlns: 'jabber:x:data', type: 'submit' },
      xml('field', { var: `pubsub#${name}` }, xml('value', {}, value)),
    )
  for (const [name, value] of [
    ['max_items', '0'],
    ['max_items', '257'],
    ['max_items', 'many'],
    ['access_model', 'friends'],
    ['tempsub', '1'],
    ['purge_offline', 'true'],
    ['node_type', 'collection'],
    ['item_expire', '-1'],
  ] as const) {
    const refusal = refusalOf(() => readConfig(submit(name, value), { ...BOUNDS, seesPresence: false }))
    t.equal(refusal, 'not-acceptable', `${name} ${value}`)
  }
  t.equal(
    refusalOf(() => readConfig(submit('persist_items', 'perhaps'), BOUNDS)),
    'bad-request',
  )
  t.equal(
    refusalOf(() => readConfig(undefined, BOUNDS)),
    'bad-request',
  )
  t.strictSame(readConfig(submit('colour', 'green'), BOUNDS), {}, 'what is not known does not matter')
  const refusal = refusalOf(() => readPreconditions(submit('colour', 'green'), BOUNDS))
  t.equal(refusal, 'conflict', 'unless it is required')
})

/** What is empty is as if it were not there, and the order does not matter. */
function sorted(config: NodeConfig): object {
  return Object.fromEntries(Object.entries(config).toSorted(([a], [b]) => (a < b ? -1 : 1)))
}

/** As preconditions compare: lists without regard to order. */
function isSame(one: unknown, other: unknown): boolean {
  if (!Array.isArray(one) || !Array.isArray(other)) return one === other
  return one.length === other.length && one.every((value) => other.includes(value))
}

function refusalOf(run: () => unknown): string | undefined {
  try {
    run()
    return undefined
  } catch (error) {
    if (error instanceof StanzaError) return error.condition
    throw error
  }
}
