/** XEP-0388 §2.6, XEP-0386 §3.2: what happens once somebody has proved who he is. */
import { createHmac } from 'node:crypto'
import { OAUTHBEARER } from '../../server/auth/sasl/oauthbearer.ts'
import type { ModuleHost } from '../../server/host/host.ts'
import type { ServiceName, Services } from '../../server/host/module.ts'
import type { Jid } from '../../server/jid/jid.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import type { Stream } from '../../server/stream/stream.ts'
import { StreamError } from '../../server/stream/stream-error.ts'
import { type Element, xml } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'
import type { AuthenticateRequest } from './request.ts'
import type { StoredToken, Tokens } from './tokens.ts'

/** Somebody who has proved who he is. */
export interface Entering {
  readonly stream: Stream
  readonly jid: Jid
  readonly request: AuthenticateRequest
  /** Base64 of what the mechanism says last. */
  readonly data: string | undefined
  /** The token that was used, if one was. */
  readonly used: StoredToken | undefined
}

/** How much of a client's stable name, and of its tag, shows in its resource. */
const RESOURCE_CHARS = 12
const TAG_CHARS = 64

export class Entrance {
  readonly #host: ModuleHost<ServiceName>
  readonly #binder: Services['bind']
  readonly #tokens: Tokens
  readonly #secret: Buffer

  /** Names of resources are made from the secret. */
  constructor(host: ModuleHost<ServiceName>, tokens: Tokens, secret: Buffer) {
    this.#host = host
    this.#binder = host.service('bind')
    this.#tokens = tokens
    this.#secret = secret
  }

  /** Does what was asked for along with the login, and tells all of it at once. */
  async enter(entering: Entering): Promise<void> {
    const { stream, jid, request } = entering
    const token = await this.#tokenFor(entering)
    stream.identify(jid)
    const resumption = request.resume && (await this.#host.optionalService('smacks')?.resume(stream, request.resume))
    if (resumption !== undefined && 'resumed' in resumption) {
      this.#succeed(entering, resumption.jid, [resumption.resumed, token])
      resumption.take()
      return
    }
    await this.#bindAndSucceed(entering, [resumption?.failed, token])
    stream.offerFeatures()
  }

  async #bindAndSucceed(entering: Entering, others: readonly (Element | undefined)[]): Promise<void> {
    const { stream, jid, request } = entering
    const { bind } = request
    if (bind === undefined) {
      this.#succeed(entering, jid, others)
      return
    }
    using prepared = await this.#prepare(stream, this.#resourceFor(jid, request))
    const infos = await Promise.all([...this.#host.items('bound-info')].map((info) => info(prepared.account)))
    if (stream.closed) return
    // In one go: nothing can be written to the client before it knows who it is.
    const session = prepared.complete()
    const answers = [...this.#host.items('bind-feature')].map((feature) => feature.apply(session, bind))
    const bound = xml('bound', { xmlns: NS.bind2 }, ...infos, ...answers)
    this.#succeed(entering, prepared.jid, [bound, ...others])
    if (infos.length > 0) this.#host.announce('session/reads-archive', { session })
  }

  async #prepare(stream: Stream, resource: string) {
    try {
      return await this.#binder.prepare(stream, resource)
    } catch (error) {
      // There is no way to refuse a resource and not the login (XEP-0386).
      if (error instanceof StanzaError) throw new StreamError('resource-constraint', 'Too many clients')
      throw error
    }
  }

  #succeed({ stream, data }: Entering, jid: Jid, children: readonly (Element | undefined)[]): void {
    stream.send(
      xml(
        'success',
        { xmlns: NS.sasl2 },
        data !== undefined && xml('additional-data', {}, data),
        xml('authorization-identifier', {}, jid.full),
        ...children,
      ),
    )
  }

  /** A new token, if the client has asked for one or the one that it has is due (XEP-0484 §3.3, §3.5, §3.6). */
  async #tokenFor({ jid, request, used }: Entering): Promise<Element | undefined> {
    const { userAgent, wantsToken, token } = request
    const node = jid.node ?? ''
    if (userAgent.id === undefined) return undefined
    if (token?.isLast === true) await this.#tokens.revoke(node, userAgent.id)
    // A token outlives what somebody else has granted, and could not be taken back there.
    if (request.mechanism === OAUTHBEARER) return undefined
    if (wantsToken !== undefined) return this.#tokens.issue(node, userAgent.id, wantsToken)
    if (used === undefined || token?.isLast === true || !this.#tokens.isDue(used)) return undefined
    return this.#tokens.issue(node, userAgent.id, used.mechanism)
  }

  /** The same for the same installation, and its id does not show (XEP-0386 §3.2.1). */
  #resourceFor(jid: Jid, { bind, userAgent: { id } }: AuthenticateRequest): string {
    const tag = bind?.child('tag')?.getText().trim()
    const hmac = id && createHmac('sha256', this.#secret).update(`${jid.bare} ${id}`).digest('base64url')
    const name = hmac?.slice(0, RESOURCE_CHARS) ?? this.#host.random.id()
    return this.#binder.resourceOf(tag === undefined || tag === '' ? name : `${tag.slice(0, TAG_CHARS)}/${name}`)
  }
}
