/** Why something is not done, in lists of which the first that applies is told. */
import { type StanzaCondition, StanzaError, type StanzaErrorType } from '../../server/stanza-error.ts'

/** A reason to refuse an act. */
export interface Refusal<Act> {
  readonly condition: StanzaCondition
  /** Where XEP-0045 shows another type than RFC 6120 recommends. */
  readonly type?: StanzaErrorType
  readonly text: string
  applies(act: Act): boolean
}

export function refusalOf<Act>(refusals: readonly Refusal<Act>[], act: Act): Refusal<Act> | undefined {
  return refusals.find((refusal) => refusal.applies(act))
}

/** Throws the first refusal that applies, as a StanzaError. */
export function refuseIfAny<Act>(refusals: readonly Refusal<Act>[], act: Act): void {
  const refusal = refusalOf(refusals, act)
  if (refusal === undefined) return
  const { condition, text, type } = refusal
  throw new StanzaError(condition, text, type === undefined ? {} : { type })
}

/** The refusal of somebody who would have to be in the room (XEP-0045 §7.4, §7.5; XEP-0410 §3.2). */
export function notInside(): StanzaError {
  return new StanzaError('not-acceptable', 'You are not currently connected to this chat', { type: 'cancel' })
}
