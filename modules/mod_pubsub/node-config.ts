/** XEP-0060 §8.2, §16.4.4: how a node is configured. Its options as declarations; forms and preconditions follow from them. */
import { readSubmission, renderForm, renderResult } from '../../server/protocol/data-form.ts'
import type { Field, FieldValue, ListMultiField } from '../../server/protocol/form-field.ts'
import { pubsubError } from '../../server/protocol/pubsub-error.ts'
import type { IntegerRange } from '../../server/protocol/xsd.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import type { Element } from '../../server/xml/element.ts'
import { type AccessModel, accessModels, type PublishModel, publishModels } from './access.ts'

export const NS_NODE_CONFIG = 'http://jabber.org/protocol/pubsub#node_config'

/** Under the names of the fields, without their prefix. A type, not an interface: forms take values by any name. */
export type NodeConfig = {
  readonly title: string
  readonly description: string
  /** What the node holds; usually the namespace of its payloads. */
  readonly type: string
  readonly max_items: number | 'max'
  readonly persist_items: boolean
  readonly access_model: AccessModel
  readonly roster_groups_allowed: readonly string[]
  readonly publish_model: PublishModel
  readonly send_last_published_item: 'never' | 'on_sub' | 'on_sub_and_presence'
  readonly deliver_notifications: boolean
  readonly deliver_payloads: boolean
  readonly notification_type: 'normal' | 'headline' | 'chat'
  readonly notify_delete: boolean
  readonly notify_retract: boolean
  readonly itemreply: 'owner' | 'publisher' | 'none'
  /** Seconds. */
  readonly item_expire: number | 'max'
  readonly publish_node_full: 'retract-oldest' | 'discard-oldest' | 'reject'
  /** Bytes; 0 for no limit but that of the service. */
  readonly max_payload_size: number
  readonly notify_config: boolean
  readonly notify_sub: boolean
  readonly subscribe: boolean
  readonly language: string
  /** Whom to ask about the node. */
  readonly contact: readonly string[]
  readonly node_type: 'leaf'
  /** Only to those who are there: notifications are headlines then, which nobody keeps for later (§12.7). */
  readonly presence_based_delivery: boolean
  /** Items go when the account goes whose node it is. */
  readonly purge_offline: boolean
  /** Subscriptions end when the subscriber goes (§12.5). */
  readonly tempsub: boolean
}

/** What a service allows, as far as it decides about options. */
export interface ConfigBounds {
  readonly mostItems: number
  /** It hears who comes and goes. */
  readonly seesPresence: boolean
}

/** What all services have in common where nobody has said otherwise. */
export const usualConfig: Omit<NodeConfig, 'max_items' | 'access_model' | 'send_last_published_item'> = {
  title: '',
  description: '',
  type: '',
  persist_items: true,
  roster_groups_allowed: [],
  publish_model: 'publishers',
  deliver_notifications: true,
  deliver_payloads: true,
  notification_type: 'headline',
  notify_delete: true,
  notify_retract: true,
  itemreply: 'none',
  item_expire: 'max',
  publish_node_full: 'discard-oldest',
  max_payload_size: 0,
  notify_config: false,
  notify_sub: false,
  subscribe: true,
  language: '',
  contact: [],
  node_type: 'leaf',
  presence_based_delivery: false,
  purge_offline: false,
  tempsub: false,
}

/** The form for somebody who may configure the node. */
export function configForm(config: NodeConfig, bounds: ConfigBounds): Element {
  return renderForm({ type: NS_NODE_CONFIG, fields: fieldsToShow(config, bounds) }, filled(config))
}

/** The same as an announcement (§8.2.5.3). */
export function configResult(config: NodeConfig, bounds: ConfigBounds): Element {
  return renderResult({ type: NS_NODE_CONFIG, fields: fieldsToShow(config, bounds) }, filled(config))
}

/** What somebody has filled in, of what can be configured; undefined if they gave up. Throws StanzaError. */
export function readConfig(x: Element | undefined, bounds: ConfigBounds): Partial<NodeConfig> | undefined {
  const submission = readSubmission({ type: NS_NODE_CONFIG, fields: fieldsToRead(bounds) }, x)
  return submission === 'cancel' ? undefined : checked(submission.values, bounds)
}

/** What a publication requires of the node (§7.1.5). Throws StanzaError, also for an option that we do not know. */
export function readPreconditions(x: Element | undefined, bounds: ConfigBounds): Partial<NodeConfig> {
  const submission = readSubmission({ fields: fieldsToRead(bounds) }, x)
  if (submission === 'cancel') throw new StanzaError('bad-request')
  const [unknown] = submission.unknown
  if (unknown !== undefined) throw unmet(unknown.replace(PREFIX, ''))
  return checked(submission.values, bounds)
}

/** Throws StanzaError if the node is not as it is required to be. */
export function checkPreconditions(config: NodeConfig, required: Partial<NodeConfig>): void {
  for (const name of namesOf(required)) {
    if (!isSame(config[name], required[name])) throw unmet(name)
  }
}

const PREFIX = 'pubsub#'
/** Characters of a title or description, and of all names of groups together. */
const LONGEST_TEXT = 1000

/** Options of which a service has only one value, that may be asked for, unless it hears who comes and goes. */
const needPresence = ['purge_offline', 'tempsub'] as const

/** As the fields give them: addresses are not texts yet. */
type Submitted = Partial<Omit<NodeConfig, 'contact'> & { readonly contact: FieldValue }>

/** A list has no limit of its own. */
function checked({ contact, ...values }: Submitted, { seesPresence }: ConfigBounds): Partial<NodeConfig> {
  const lists = { ...values, ...(Array.isArray(contact) && { contact: contact.map(String) }) }
  for (const list of [lists.roster_groups_allowed, lists.contact]) {
    if (list !== undefined && list.join('').length > LONGEST_TEXT) throw new StanzaError('not-acceptable', 'Too many')
  }
  for (const name of needPresence) {
    if (!seesPresence && lists[name] === true) {
      throw new StanzaError('not-acceptable', `The service has only one value for ${name}`)
    }
  }
  return lists
}

function unmet(name: string): StanzaError {
  return pubsubError('precondition-not-met', `Field does not match: ${name}`)
}

/** In the order that clients have been tested with. */
function usualFields({ mostItems }: ConfigBounds, groups: Field): readonly Field[] {
  return [
    text('title', 'Title'),
    text('description', 'Description'),
    text('type', 'The type of node data, usually specified by the namespace of the payload (if any)'),
    number('max_items', 'Max # of items to persist', 'pubsub:integer-or-max', { min: 1, max: mostItems }),
    flag('persist_items', 'Persist items to storage'),
    choice('access_model', 'Specify the subscriber model', accessModels),
    groups,
    choice('publish_model', 'Specify the publisher model', publishModels),
    choice('send_last_published_item', undefined, ['never', 'on_sub', 'on_sub_and_presence']),
    flag('deliver_notifications', 'Whether to deliver event notifications'),
    flag('deliver_payloads', 'Whether to deliver payloads with event notifications'),
    choice('notification_type', 'Specify the delivery style for notifications', {
      normal: 'Messages of type normal',
      headline: 'Messages of type headline',
      chat: 'Messages of type chat',
    }),
    flag('notify_delete', 'Whether to notify subscribers when the node is deleted'),
    flag('notify_retract', 'Whether to notify subscribers when items are removed from the node'),
    choice('itemreply', 'Whether owners or publisher should receive replies to items', {
      owner: 'Statically specify a replyto of the node owner(s)',
      publisher: 'Dynamically specify a replyto of the item publisher',
      none: 'Specify no replyto',
    }),
  ]
}

/** Shown only where they are not as usual: there are clients that take the form above for the whole. */
const furtherFields: readonly (Field & { readonly name: keyof typeof usualConfig })[] = [
  number('item_expire', 'Number of seconds after which to automatically purge items', 'pubsub:integer-or-max'),
  choice('publish_node_full', 'Action to be performed when publishing on a full node', [
    'retract-oldest',
    'discard-oldest',
    'reject',
  ]),
  number('max_payload_size', 'The maximum payload size in bytes', 'xs:integer'),
  flag('notify_config', 'Whether to notify subscribers when the node configuration changes'),
  flag('notify_sub', 'Whether to notify owners about new subscribers and unsubscribes'),
  flag('subscribe', 'Whether to allow subscriptions'),
  text('language', 'The default language of the node'),
  { type: 'jid-multi', var: 'pubsub#contact', name: 'contact', label: 'The JIDs of those to contact with questions' },
  flag('presence_based_delivery', 'Whether to deliver notifications to available users only'),
  flag('purge_offline', 'Whether to purge all items when the relevant publisher goes offline'),
  flag('tempsub', 'Whether to make all subscriptions temporary, based on subscriber presence'),
]

/** Shown to nobody, since there is nothing to choose. */
const nodeTypeField: Field = choice('node_type', undefined, ['leaf'])

const groupsField: ListMultiField = {
  type: 'list-multi',
  var: 'pubsub#roster_groups_allowed',
  name: 'roster_groups_allowed',
  label: 'Roster groups allowed to subscribe',
  options: [],
}

function fieldsToRead(bounds: ConfigBounds): readonly Field[] {
  // Any group may be named, whether the roster has it or not.
  const anyGroup: Field = { ...groupsField, validation: { datatype: 'xs:string', open: true } }
  return [...usualFields(bounds, anyGroup), ...furtherFields, nodeTypeField]
}

function fieldsToShow(config: NodeConfig, bounds: ConfigBounds): readonly Field[] {
  const set = furtherFields.filter(({ name }) => !isSame(config[name], usualConfig[name]))
  return [...usualFields(bounds, groupsField), ...set]
}

/** A text that is empty is as if there were none. */
function filled(config: NodeConfig): Record<string, FieldValue> {
  return Object.fromEntries(Object.entries(config).filter(([, value]) => value !== ''))
}

function text<N extends keyof NodeConfig>(name: N, label: string): Field & { readonly name: N } {
  return { type: 'text-single', var: PREFIX + name, name, label, maxChars: LONGEST_TEXT }
}

function number<N extends keyof NodeConfig>(
  name: N,
  label: string,
  datatype: 'xs:integer' | 'pubsub:integer-or-max',
  range: IntegerRange = { min: 0 },
): Field & { readonly name: N } {
  return { type: 'text-single', var: PREFIX + name, name, label, validation: { datatype, range } }
}

function flag<N extends keyof NodeConfig>(name: N, label?: string): Field & { readonly name: N } {
  return { type: 'boolean', var: PREFIX + name, name, ...(label !== undefined && { label }) }
}

/** Of values that are their own labels, or have others. */
function choice<N extends keyof NodeConfig>(
  name: N,
  label: string | undefined,
  values: readonly string[] | Readonly<Record<string, string>>,
): Field & { readonly name: N } {
  const entries = Array.isArray(values)
    ? values.map((value: string) => [value, value] as const)
    : Object.entries(values)
  const options = entries.map(([value, shown]) => ({ value, label: shown }))
  return { type: 'list-single', var: PREFIX + name, name, ...(label !== undefined && { label }), options }
}

function isSame(one: unknown, other: unknown): boolean {
  if (!Array.isArray(one) || !Array.isArray(other)) return one === other
  return one.length === other.length && one.every((value) => other.includes(value))
}

function namesOf<T extends object>(values: T): readonly (keyof T)[] {
  // Made by us, with no other keys than those of the type.
  return Object.keys(values) as (keyof T)[]
}
