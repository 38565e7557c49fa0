/** XEP-0060 §6.3, §16.4.2: what subscribers may choose. */
import { defineForm, readSubmission, renderForm, renderResult } from '../../server/protocol/data-form.ts'
import { pubsubError } from '../../server/protocol/pubsub-error.ts'
import type { Element } from '../../server/xml/element.ts'

/** What was chosen. An instant is in milliseconds since 1970, since it is stored. */
export interface SubscriptionOptions {
  readonly deliver: boolean
  readonly includeBody: boolean
  /** When the subscription ends (§12.19). */
  readonly expire?: number | undefined
}

export const usualOptions: SubscriptionOptions = { deliver: true, includeBody: false }

export function optionsForm(options: SubscriptionOptions): Element {
  return renderForm(form, valuesOf(options))
}

export function optionsResult(options: SubscriptionOptions): Element {
  return renderResult(form, valuesOf(options))
}

/** What somebody has chosen; what they have not mentioned stays. Undefined if they gave up. Throws StanzaError. */
export function readOptions(
  x: Element | undefined,
  before: SubscriptionOptions,
  now: number,
): SubscriptionOptions | undefined {
  const submission = readSubmission(form, x)
  if (submission === 'cancel') return undefined
  const { deliver = before.deliver, includeBody = before.includeBody, expire } = submission.values
  if (expire !== undefined && expire.getTime() <= now) throw pubsubError('invalid-options', 'That time is over')
  const lease = submission.cleared.includes('expire') ? undefined : (expire?.getTime() ?? before.expire)
  return { deliver, includeBody, ...(lease !== undefined && { expire: lease }) }
}

const form = defineForm({
  type: 'http://jabber.org/protocol/pubsub#subscribe_options',
  fields: [
    { type: 'boolean', var: 'pubsub#deliver', name: 'deliver', label: 'Enable delivery?' },
    {
      type: 'boolean',
      var: 'pubsub#include_body',
      name: 'includeBody',
      label: 'Receive message body in addition to payload?',
    },
    {
      type: 'text-single',
      var: 'pubsub#expire',
      name: 'expire',
      label: 'The DateTime at which the subscription will end',
      validation: { datatype: 'xs:dateTime' },
    },
  ],
})

function valuesOf({ deliver, includeBody, expire }: SubscriptionOptions) {
  return { deliver, includeBody, ...(expire !== undefined && { expire: new Date(expire) }) }
}
