/** XEP-0357 §7: what a push service is told. */
import type { Jid } from '../../server/jid/jid.ts'
import { defineForm, renderResult } from '../../server/protocol/data-form.ts'
import { FORM_TYPE } from '../../server/protocol/raw-form.ts'
import { type Element, xml } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'
import { NS_PRIORITY, NS_PUSH, type OptionField, PUBLISH_OPTIONS, type Registration } from './registration.ts'

/** What is said of the messages that a client has missed. */
export interface Summary {
  /** How many they are. */
  readonly count: number
  readonly sender?: Jid | undefined
  readonly body?: string | undefined
  readonly isUrgent: boolean
}

/** XEP-0357 §11.3.1. */
const form = defineForm({
  type: 'urn:xmpp:push:summary',
  fields: [
    { var: 'message-count', name: 'count', type: 'text-single' },
    { var: 'last-message-sender', name: 'sender', type: 'jid-single' },
    { var: 'last-message-body', name: 'body', type: 'text-single' },
  ],
})

/** A request to publish to the node of a service. */
export function publicationOf({ node, options, priority }: Registration, summary: Summary): Element {
  const { count, sender, body, isUrgent } = summary
  const values = {
    count: String(count),
    ...(sender === undefined ? {} : { sender }),
    ...(body === undefined ? {} : { body }),
  }
  const notification = xml(
    'notification',
    { xmlns: NS_PUSH },
    renderResult(form, values),
    priority === true && isUrgent && xml('priority', { xmlns: NS_PRIORITY }, 'high'),
  )
  return xml(
    'pubsub',
    { xmlns: NS.pubsub },
    xml('publish', { node }, xml('item', {}, notification)),
    options && xml('publish-options', {}, optionsForm(options)),
  )
}

function optionsForm(options: readonly OptionField[]): Element {
  const fields = options.map(({ var: name, type, values }) => fieldElement(name, type, values))
  return xml(
    'x',
    { xmlns: NS.dataForms, type: 'submit' },
    fieldElement(FORM_TYPE, 'hidden', [PUBLISH_OPTIONS]),
    ...fields,
  )
}

function fieldElement(name: string, type: string | undefined, values: readonly string[]): Element {
  return xml('field', { var: name, type }, ...values.map((value) => xml('value', {}, value)))
}
