/** RFC 7628: OAUTHBEARER. A token, which somebody else has given out, says who the client acts for. */
import { identityOf, nodeOf } from './identity.ts'
import {
  EMPTY_CHALLENGE,
  type AccountRecord,
  type Dialogue,
  type Identity,
  type Mechanism,
  type SaslContext,
  type Step,
} from './mechanism.ts'
import { type BearerMessage, parseBearerMessage } from './oauth-message.ts'
import { SaslFailure } from './sasl-failure.ts'
import { decodeUtf8 } from './text.ts'

/** What a token is good for, or why for nothing (RFC 6750 §3.1). */
export type Judgement =
  | { readonly username: string }
  | { readonly refused: 'invalid_token' | 'insufficient_scope' | 'expired' }

export interface BearerAuthority {
  /** Where clients learn how to get a token (RFC 8414 §3). */
  readonly discoveryUrl: string
  /** What a token has to allow, if anything. */
  readonly scope: string | undefined
  /** Rejects with SaslFailure if it cannot be found out just now. */
  judge(token: string): Promise<Judgement>
  /** The account, which may be made for whoever comes with a good token; undefined if there is none. */
  account(node: string): Promise<AccountRecord | undefined>
}

export const OAUTHBEARER = 'OAUTHBEARER'

export function oauthBearer(authority: BearerAuthority): Mechanism {
  return {
    name: OAUTHBEARER,
    strength: 20,
    needs: ['secure'],
    start: (context) => new BearerDialogue(authority, context),
  }
}

class BearerDialogue implements Dialogue {
  readonly #authority: BearerAuthority
  readonly #context: SaslContext
  /** The client has been told why its token is refused, and acknowledges that. */
  #refused: SaslFailure | undefined

  constructor(authority: BearerAuthority, context: SaslContext) {
    this.#authority = authority
    this.#context = context
  }

  async step(data: Buffer | undefined): Promise<Step> {
    if (this.#refused !== undefined) throw this.#refused
    if (data === undefined) return EMPTY_CHALLENGE
    const text = decodeUtf8(data)
    if (text === undefined) throw new SaslFailure('malformed-request')
    return this.#judge(parseBearerMessage(text))
  }

  async #judge({ authzid, token }: BearerMessage): Promise<Step> {
    // Whoever has none asks where to get one (XEP-0493 §2.3.1).
    if (token === '') return this.#refuse('invalid_token', new SaslFailure('credentials-expired', 'A token is needed'))
    const judgement = await this.#authority.judge(token)
    if ('refused' in judgement) {
      const { refused } = judgement
      // A client that finds its token too old gets another one: that is no guessing.
      if (refused === 'expired') return this.#refuse('invalid_token', new SaslFailure('credentials-expired'))
      return this.#refuse(refused, new SaslFailure('not-authorized'))
    }
    const identity = identityOf(nodeOf(judgement.username, this.#context), authzid, this.#context)
    if (identity === undefined) return this.#refuse('invalid_token', new SaslFailure('not-authorized'))
    return this.#admit(identity)
  }

  async #admit(identity: Identity): Promise<Step> {
    const account = await this.#authority.account(identity.username)
    if (account === undefined) return this.#refuse('invalid_token', new SaslFailure('not-authorized'))
    if (account.disabled === true) throw new SaslFailure('account-disabled')
    return { kind: 'success', identity, mechanism: OAUTHBEARER }
  }

  /** Says why, and where a token is to be had; the failure follows when the client has heard that (RFC 7628 §3.2.2). */
  #refuse(status: string, failure: SaslFailure): Step {
    this.#refused = failure
    const { discoveryUrl, scope } = this.#authority
    const reason = { status, ...(scope !== undefined && { scope }), 'openid-configuration': discoveryUrl }
    return { kind: 'challenge', data: Buffer.from(JSON.stringify(reason)) }
  }
}
