/** XEP-0484: logging in with a token. */
import {
  type HashedTokenMechanism,
  hashedTokenMechanisms,
  readTokenMessage,
} from '../../server/auth/sasl/hashed-token.ts'
import type { ModuleHost } from '../../server/host/host.ts'
import type { Stream } from '../../server/stream/stream.ts'
import { nodeOf, requireClaimed } from './claimed.ts'
import type { Entering } from './entrance.ts'
import type { AuthenticateRequest } from './request.ts'
import type { Tokens } from './tokens.ts'

export class TokenLogin {
  readonly #host: ModuleHost<'saslauth' | 'accounts'>
  readonly #tokens: Tokens

  constructor(host: ModuleHost<'saslauth' | 'accounts'>, tokens: Tokens) {
    this.#host = host
    this.#tokens = tokens
  }

  /** Those that can be tied to this channel, and one that is tied to none. */
  mechanisms(stream: Stream): readonly HashedTokenMechanism[] {
    const { bindingTypes } = this.#host.service('saslauth').offer(stream)
    const { transport } = stream
    if (this.#host.service('accounts').anonymous || (!transport.encrypted && !transport.local)) return []
    return hashedTokenMechanisms.filter(({ binding }) => binding === undefined || bindingTypes.includes(binding))
  }

  /** Rejects with SaslFailure. */
  async enter(stream: Stream, request: AuthenticateRequest, mechanism: HashedTokenMechanism): Promise<Entering> {
    const logins = this.#host.service('saslauth')
    logins.check(stream)
    const { userAgent, initialResponse = '', token } = request
    const message = readTokenMessage(Buffer.from(initialResponse, 'base64'))
    const offered = this.mechanisms(stream).includes(mechanism)
    if (!offered || token === undefined || userAgent.id === undefined) throw logins.refuse(stream, 'malformed-request')
    const binding = mechanism.binding === undefined ? Buffer.alloc(0) : logins.channelBinding(stream, mechanism.binding)
    const node = nodeOf(this.#host, message.username)
    const proved = node && binding && (await this.#tokens.prove(node, userAgent.id, mechanism, message, binding))
    if (node === undefined || !proved) throw logins.refuse(stream, 'not-authorized')
    const account = await this.#host.service('accounts').get(node)
    if (account === undefined) throw logins.refuse(stream, 'not-authorized')
    if (account.disabled === true) throw logins.refuse(stream, 'account-disabled')
    requireClaimed(this.#host, stream, node)
    const jid = logins.accepted(stream, node, mechanism.name, userAgent)
    return { stream, jid, request, data: proved.answer.toString('base64'), used: proved.token }
  }
}
