/** XEP-0494: the clients of an account, with what is known of each from all sides. */
import type { ModuleHost } from '../../server/host/host.ts'
import type { ClientSession } from '../../server/session/client-session.ts'
import { StreamError } from '../../server/stream/stream-error.ts'
import { idOf, type KnownClient, type KnownClients } from './known-clients.ts'

/** A client as its owner sees it. */
export interface Device {
  readonly id: string
  readonly software: string | undefined
  readonly device: string | undefined
  readonly firstSeen: number
  readonly lastSeen: number
  readonly hasPassword: boolean
  readonly hasGrant: boolean
  readonly hasTokens: boolean
  /** Has had a session, if it has none now. */
  readonly hadSession: boolean
  readonly sessions: readonly ClientSession[]
  readonly address: string | undefined
  /** The UUID with which it logs in; undefined if it never said one. */
  readonly agent: string | undefined
}

/** What is known of a session: whose it is. Undefined parts were not told. */
export interface SessionClient {
  /** The client's, if it has said which installation it is; else the session's own. */
  readonly id: string
  readonly agent: string | undefined
  readonly software: string | undefined
  readonly device: string | undefined
  readonly since: number
  readonly access: 'password' | 'grant' | undefined
}

export class Devices {
  readonly #host: ModuleHost<'sasl2'>
  readonly #known: KnownClients
  readonly #clientOf: (session: ClientSession) => SessionClient | undefined

  constructor(
    host: ModuleHost<'sasl2'>,
    known: KnownClients,
    clientOf: (session: ClientSession) => SessionClient | undefined,
  ) {
    this.#host = host
    this.#known = known
    this.#clientOf = clientOf
  }

  /** The one that was there last comes first. */
  async of(node: string): Promise<readonly Device[]> {
    const [known, tokens] = await Promise.all([this.#known.of(node), this.#host.service('sasl2').tokensOf(node)])
    const sessions = this.#sessionsOf(node)
    const withTokens = new Map([...tokens].map(([agent, issuedAt]) => [idOf(agent), { agent, issuedAt }]))
    const ids = new Set([...known.keys(), ...withTokens.keys(), ...sessions.keys()])
    const devices = [...ids].map((id) => {
      const own = sessions.get(id) ?? []
      return this.#device(id, { known: known.get(id), token: withTokens.get(id), sessions: own })
    })
    return devices
      .filter(({ sessions: own, ...access }) => own.length > 0 || canEnter(access))
      .toSorted((a, b) => b.lastSeen - a.lastSeen)
  }

  /** Ends the sessions of a client, and makes its tokens worthless. A password that it knows it still knows. */
  async revoke(node: string, { id, agent, sessions }: Device): Promise<void> {
    if (agent !== undefined) await this.#host.service('sasl2').revokeTokens(node, agent)
    await this.#known.forget(node, id)
    for (const session of sessions) {
      this.#host.closeSession(session, new StreamError('not-authorized', 'The access of this client was revoked'))
    }
  }

  #device(
    id: string,
    of: {
      readonly known: KnownClient | undefined
      readonly token: { readonly agent: string; readonly issuedAt: number } | undefined
      readonly sessions: readonly ClientSession[]
    },
  ): Device {
    const { known, token, sessions } = of
    const [session] = sessions
    const live = session && this.#clientOf(session)
    const now = this.#host.clock.now()
    const access = [...(known?.access ?? []), ...(known === undefined && live?.access ? [live.access] : [])]
    return {
      id,
      software: known?.software ?? live?.software,
      device: known?.device ?? live?.device,
      firstSeen: known?.firstSeen ?? live?.since ?? token?.issuedAt ?? now,
      lastSeen: session === undefined ? (known?.lastSeen ?? token?.issuedAt ?? now) : now,
      hasPassword: access.includes('password'),
      hasGrant: access.includes('grant'),
      hasTokens: token !== undefined,
      hadSession: known?.hadSession === true || session !== undefined,
      sessions,
      address: session?.stream?.transport.address ?? known?.address,
      agent: known?.agent ?? token?.agent ?? live?.agent,
    }
  }

  #sessionsOf(node: string): ReadonlyMap<string, readonly ClientSession[]> {
    const sessions = [...(this.#host.account(`${node}@${this.#host.domain}`)?.sessions ?? [])]
    return Map.groupBy(sessions, (session) => this.#clientOf(session)?.id ?? idOf(session.jid.full))
  }
}

function canEnter({ hasPassword, hasGrant, hasTokens }: Omit<Device, 'sessions'>): boolean {
  return hasPassword || hasGrant || hasTokens
}
