/** RFC 6120 §6.5: why a login was refused. */

/** The conditions of RFC 6120 §6.5. */
export type SaslCondition =
  | 'aborted'
  | 'account-disabled'
  | 'credentials-expired'
  | 'encryption-required'
  | 'incorrect-encoding'
  | 'invalid-authzid'
  | 'invalid-mechanism'
  | 'malformed-request'
  | 'mechanism-too-weak'
  | 'not-authorized'
  | 'temporary-auth-failure'

/**
 * Thrown by mechanisms to end a login, caught by whoever speaks the SASL
 * profile. A text never says more to a stranger than the condition does.
 */
export class SaslFailure extends Error {
  override readonly name = 'SaslFailure'
  readonly condition: SaslCondition
  readonly text: string | undefined

  constructor(condition: SaslCondition, text?: string, options: { readonly cause?: unknown } = {}) {
    super(text ?? condition, options)
    this.condition = condition
    this.text = text
  }
}
