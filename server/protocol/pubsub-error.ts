/** XEP-0060: refusals with the conditions of publish-subscribe, which say more than those of RFC 6120. */
import { type StanzaCondition, StanzaError, type StanzaErrorType } from '../stanza-error.ts'
import { xml } from '../xml/element.ts'
import { NS } from '../xml/ns.ts'

/** Those of the schema (§17.2), with the general condition that the text names for each. */
const conditions = {
  'closed-node': 'not-allowed',
  'invalid-jid': 'bad-request',
  'invalid-options': 'bad-request',
  'invalid-payload': 'bad-request',
  'item-forbidden': 'bad-request',
  'item-required': 'bad-request',
  'jid-required': 'bad-request',
  'max-nodes-exceeded': 'not-allowed',
  'node-full': 'conflict',
  'nodeid-required': 'bad-request',
  'not-in-roster-group': 'not-authorized',
  'not-subscribed': 'unexpected-request',
  'payload-required': 'bad-request',
  'payload-too-big': 'not-acceptable',
  'pending-subscription': 'not-authorized',
  'precondition-not-met': 'conflict',
  'presence-subscription-required': 'not-authorized',
  'too-many-subscriptions': 'policy-violation',
  'unsupported-access-model': 'not-acceptable',
} as const

export type PubsubCondition = keyof typeof conditions

/** Types that the examples show and that RFC 6120 does not recommend. */
const types: Partial<Record<StanzaCondition, StanzaErrorType>> = {
  'policy-violation': 'wait',
  'unexpected-request': 'cancel',
}

/** `general` where a section names another one than is usual. */
export function pubsubError(
  condition: PubsubCondition,
  text?: string,
  general: StanzaCondition = conditions[condition],
): StanzaError {
  const type = types[general]
  const extra = xml(condition, { xmlns: NS.pubsubErrors })
  return new StanzaError(general, text, { extra, ...(type && { type }) })
}

/** The service, or the node, cannot do that; `feature` is a name of §10. */
export function unsupported(feature: string): StanzaError {
  const extra = xml('unsupported', { xmlns: NS.pubsubErrors, feature })
  return new StanzaError('feature-not-implemented', undefined, { extra })
}
