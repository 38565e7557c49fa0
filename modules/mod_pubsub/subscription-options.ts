/** XEP-0060 §6.3, §16.4.2: what subscribers may choose. */
import { defineForm, readSubmission, renderForm, renderResult } from '../../server/protocol/data-form.ts'
import { formatDateTime, parseDateTime } from '../../server/protocol/date-time.ts'
import { pubsubError } from '../../server/protocol/pubsub-error.ts'
import type { Element } from '../../server/xml/element.ts'
import type { ConfigBounds } from './node-config.ts'

const shows = ['away', 'chat', 'dnd', 'online', 'xa'] as const
/** How a client shows itself (RFC 6121 §4.7.2.1), or that it says nothing about that. */
export type Show = (typeof shows)[number]

/** What was chosen. An instant is in milliseconds since 1970, since it is stored. */
export interface SubscriptionOptions {
  readonly deliver: boolean
  readonly includeBody: boolean
  /** When the subscription ends (§12.19): at an instant, or when the subscriber goes (§12.5). */
  readonly expire?: number | typeof GOING | undefined
  /** Notifications are wanted only by clients that show themselves so; any, if it does not say. */
  readonly shows?: readonly Show[] | undefined
}

export const usualOptions: SubscriptionOptions = { deliver: true, includeBody: false }

export function optionsForm(options: SubscriptionOptions, bounds: ConfigBounds): Element {
  return renderForm(formFor(bounds), valuesOf(options))
}

export function optionsResult(options: SubscriptionOptions, bounds: ConfigBounds): Element {
  return renderResult(formFor(bounds), valuesOf(options))
}

/** What somebody has chosen; what they have not mentioned stays. Undefined if they gave up. Throws StanzaError. */
export function readOptions(
  x: Element | undefined,
  before: SubscriptionOptions,
  now: number,
  bounds: ConfigBounds,
): SubscriptionOptions | undefined {
  const submission = readSubmission(formFor(bounds), x)
  if (submission === 'cancel') return undefined
  const { deliver = before.deliver, includeBody = before.includeBody, expire, shows: chosen } = submission.values
  const wanted = chosen ?? before.shows
  const end = expire === undefined ? before.expire : endIn(expire, now, bounds)
  return {
    deliver,
    includeBody,
    ...(end !== undefined && { expire: end }),
    // All of them is as good as none.
    ...(wanted !== undefined && wanted.length > 0 && wanted.length < shows.length && { shows: wanted }),
  }
}

/** Whether the time of a subscription is over. */
export function isOver({ expire }: SubscriptionOptions, now: number): boolean {
  return typeof expire === 'number' && expire <= now
}

/** As the field says it. */
const GOING = 'presence'

function endIn(text: string, now: number, { seesPresence }: ConfigBounds): SubscriptionOptions['expire'] {
  if (text === '') return undefined
  if (text === GOING && seesPresence) return GOING
  const end = parseDateTime(text)?.getTime()
  if (end === undefined) throw pubsubError('invalid-options', 'That is no time')
  if (end <= now) throw pubsubError('invalid-options', 'That time is over')
  return end
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
    },
    {
      type: 'list-multi',
      var: 'pubsub#show-values',
      name: 'shows',
      label: 'The presence states for which notifications are wanted',
      options: shows.map((value) => ({ value })),
    },
  ],
})

/** Whoever does not know how somebody shows themselves offers no choice of it, and reads none. */
function formFor({ seesPresence }: ConfigBounds) {
  return { ...form, fields: form.fields.filter(({ name }) => seesPresence || name !== 'shows') }
}

function valuesOf({ deliver, includeBody, expire, shows: chosen }: SubscriptionOptions) {
  return {
    deliver,
    includeBody,
    ...(expire !== undefined && { expire: expire === GOING ? GOING : formatDateTime(new Date(expire)) }),
    ...(chosen !== undefined && { shows: chosen }),
  }
}
