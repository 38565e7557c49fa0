/** What tokens are good for: those that can be read (RFC 7519, RFC 9068), and those that only their issuer knows (RFC 7662). */
import { errors, jwtVerify, type JWTVerifyGetKey } from 'jose'
import { z } from 'zod'
import type { Judgement } from '../../server/auth/sasl/oauthbearer.ts'
import { SaslFailure } from '../../server/auth/sasl/sasl-failure.ts'
import type { Clock } from '../../server/util/clock.ts'
import type { Issuer } from './issuer.ts'
import type { JsonClient } from './json-client.ts'

export interface TokenRules {
  /** A token has to be for one of them. */
  readonly audience: readonly string[]
  readonly scope: string | undefined
  /** The claim that names the account. */
  readonly usernameClaim: string
  /** The domain of its account, if the claim has one. */
  readonly domain: string
}

/** How the issuer is asked about tokens. */
export interface Introspection {
  /** Where, if the issuer does not say so itself. */
  readonly endpoint: string | undefined
  readonly clientId: string
  readonly clientSecret: string
  /** All of them, so that one that was revoked is not good until it expires. */
  readonly tokens: 'opaque' | 'all'
}

/** Signed by the issuer with a key that only it has. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']
/** How far clocks may differ. */
const TOLERANCE_SECONDS = 60

const introspected = z.looseObject({ active: z.boolean() })

/** What is said of a token. */
type Claims = Readonly<Record<string, unknown>>

export class TokenJudge {
  readonly #issuer: Issuer
  readonly #rules: TokenRules
  readonly #introspection: Introspection | undefined
  readonly #json: JsonClient
  readonly #clock: Clock

  constructor(
    issuer: Issuer,
    rules: TokenRules,
    introspection: Introspection | undefined,
    { json, clock }: { readonly json: JsonClient; readonly clock: Clock },
  ) {
    this.#issuer = issuer
    this.#rules = rules
    this.#introspection = introspection
    this.#json = json
    this.#clock = clock
  }

  /** Rejects with SaslFailure if the issuer cannot be asked. */
  async judge(token: string): Promise<Judgement> {
    try {
      const isReadable = JWT.test(token)
      const read = isReadable ? await this.#verify(token) : undefined
      const mustAsk = this.#introspection !== undefined && (!isReadable || this.#introspection.tokens === 'all')
      const claims = mustAsk ? await this.#introspect(token, read) : read
      return claims === undefined ? INVALID : this.#judge(claims)
    } catch (error) {
      if (error instanceof errors.JWTExpired) return { refused: 'expired' }
      if (error instanceof errors.JOSEError) return INVALID
      throw new SaslFailure('temporary-auth-failure', 'Your token cannot be checked just now', { cause: error })
    }
  }

  async #verify(token: string): Promise<Claims> {
    try {
      return await this.#verifyWith(token, await this.#issuer.keys())
    } catch (error) {
      if (!(error instanceof errors.JWKSNoMatchingKey)) throw error
      return this.#verifyWith(token, await this.#issuer.renewedKeys())
    }
  }

  async #verifyWith(token: string, keys: JWTVerifyGetKey): Promise<Claims> {
    const { payload, protectedHeader } = await jwtVerify(token, keys, {
      algorithms: ALGORITHMS,
      issuer: this.#issuer.name,
      audience: [...this.#rules.audience],
      requiredClaims: ['exp'],
      clockTolerance: TOLERANCE_SECONDS,
      currentDate: new Date(this.#clock.now()),
    })
    // What was signed for something else, such as a logout, is no access token (RFC 8725 §3.11).
    if (!TYPES.test(protectedHeader.typ ?? 'JWT')) throw new errors.JWTInvalid('another type of token')
    return payload
  }

  /** RFC 7662 §2; undefined if the token is good for nothing. `read` is what it says itself. */
  async #introspect(token: string, read: Claims = {}): Promise<Claims | undefined> {
    const { endpoint, clientId = '', clientSecret = '' } = this.#introspection ?? {}
    const url = endpoint ?? (await this.#issuer.metadata()).introspection_endpoint
    if (url === undefined) throw new Error(`${this.#issuer.name} cannot be asked about tokens`)
    const name = `${encodeURIComponent(clientId)}:${encodeURIComponent(clientSecret)}`
    const authorization = `Basic ${Buffer.from(name).toString('base64')}`
    const answer = introspected.parse(await this.#json.ask(url, { form: { token }, authorization }))
    const claims = { ...read, ...answer }
    return answer.active && this.#isForUs(claims) ? claims : undefined
  }

  #isForUs({ aud, client_id: client, iss, exp }: Claims): boolean {
    const { audience } = this.#rules
    const isFresh = typeof exp !== 'number' || exp + TOLERANCE_SECONDS > this.#clock.now() / 1000
    const isOurs = iss === undefined || iss === this.#issuer.name
    // Who does not say whom it is for says at least who has it (RFC 7662 §2.2).
    return isFresh && isOurs && [aud ?? client].flat().some((one) => typeof one === 'string' && audience.includes(one))
  }

  #judge(claims: Claims): Judgement {
    const { scope, usernameClaim, domain } = this.#rules
    const allowed = typeof claims['scope'] === 'string' ? claims['scope'].split(' ') : []
    if (scope?.split(' ').every((word) => allowed.includes(word)) === false) return { refused: 'insufficient_scope' }
    const name = claims[usernameClaim]
    if (typeof name !== 'string' || name === '') return INVALID
    // Whoever may write any address there could be anybody.
    if (usernameClaim === 'email' && claims['email_verified'] !== true) return INVALID
    const [node = '', ...rest] = name.split('@')
    if (rest.length > 1 || (rest[0] ?? domain).toLowerCase() !== domain) return INVALID
    return { username: node }
  }
}

const INVALID: Judgement = { refused: 'invalid_token' }
/** Three parts in base64url. */
const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/
const TYPES = /^(?:application\/)?(?:at\+)?jwt$/i
