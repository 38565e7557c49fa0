/** A domain of ours: its hooks, its tables of who answers what, its sessions. */
import type { Jid } from '../jid/jid.ts'
import type { Log } from '../log/log.ts'
import { handled, type Handled, type Origin, type RoutedStanza } from '../routed-stanza.ts'
import type { RoutedHost } from '../router.ts'
import { type Account, Directory } from '../session/account.ts'
import { ComponentSession } from '../session/component-session.ts'
import { ClientSession, type SessionOwner } from '../session/client-session.ts'
import { SlotRegistry } from '../session/slots.ts'
import { StanzaError } from '../stanza-error.ts'
import { StreamError } from '../stream/stream-error.ts'
import type { Stream, StreamHost } from '../stream/stream.ts'
import { isPending, type Maybe } from '../util/maybe.ts'
import { reply, errorReply } from '../xml/build.ts'
import { Element } from '../xml/element.ts'
import type { Stanza } from '../xml/stanza.ts'
import type { HostHooks } from './events.ts'
import { Hooks } from './hooks.ts'
import type { NonzaHandler, StreamIqHandler } from './host.ts'
import { IqTable } from './iq-table.ts'
import type { HostKind } from './module.ts'
import type { Provisions } from './provisions.ts'
import { Registry } from './registry.ts'
import { stage } from './stages.ts'

/** The hooks of stanzas, by the kind of stanza: names are not built for each. */
const outgoingHook = { message: 'outgoing/message', presence: 'outgoing/presence', iq: 'outgoing/iq' } as const
const incomingHook = { message: 'incoming/message', presence: 'incoming/presence', iq: 'incoming/iq' } as const

/** What the configuration says of a host, besides its modules. Replaced when it is reloaded. */
export interface HostSettings {
  readonly admins: readonly Jid[]
  readonly anonymous: boolean
}

export class VirtualHost implements RoutedHost, StreamHost {
  readonly domain: string
  readonly jid: Jid
  readonly kind: HostKind
  settings: HostSettings
  readonly hooks: Hooks<HostHooks>
  readonly iqs = new IqTable()
  readonly nonzas = new Map<string, NonzaHandler>()
  readonly streamIqs = new Map<string, StreamIqHandler>()
  readonly provisions = new Registry<Provisions>()
  readonly directory = new Directory()
  readonly slots = new SlotRegistry()
  /** Who speaks for the host and for what lives on it. */
  readonly origin: Origin
  /** The program that speaks for the domain, while it is connected (XEP-0114). */
  component: ComponentSession | undefined = undefined
  readonly #owner: SessionOwner
  readonly #log: Log

  constructor(jid: Jid, kind: HostKind, settings: HostSettings, origin: Origin, owner: SessionOwner, log: Log) {
    this.domain = jid.domain
    this.jid = jid
    this.kind = kind
    this.settings = settings
    this.origin = origin
    this.#owner = owner
    this.#log = log
    this.hooks = new Hooks((error, source) => log.error('notice handler failed', { module: source, error }))
    this.hooks.on('incoming/iq', (event) => this.iqs.answer(event), stage.deliver, 'kernel')
  }

  outgoing(event: RoutedStanza): Maybe<Handled | undefined> {
    // The router fires this for clients only.
    return this.hooks.fire(outgoingHook[event.stanza.name], event as RoutedStanza<ClientSession>)
  }

  incoming(event: RoutedStanza<Origin>): Maybe<Handled | undefined> {
    return this.hooks.fire(incomingHook[event.stanza.name], event)
  }

  features(stream: Stream): readonly Element[] {
    const offered: Element[] = []
    for (const item of this.provisions.items('stream-feature')) {
      const { needs, forbids } = item
      if (!needs.every((fact) => stream.facts.has(fact)) || forbids.some((fact) => stream.facts.has(fact))) continue
      const feature = item.offer(stream)
      if (feature !== undefined) offered.push(feature)
    }
    return offered
  }

  nonza(stream: Stream, element: Element): { readonly done: Maybe<void> } | undefined {
    const handler = this.nonzas.get(`${element.ns} ${element.name}`)
    return handler === undefined ? undefined : { done: handler(stream, element) }
  }

  /** Before a resource is bound only a few requests are answered; whatever else is sent ends the stream (RFC 6120 §7.1). */
  earlyStanza(stream: Stream, stanza: Stanza): Maybe<void> {
    const payload = stanza.name === 'iq' ? stanza.childAt(0) : undefined
    const handler = payload && this.streamIqs.get(`${stanza.type} ${payload.ns} ${payload.name}`)
    if (payload === undefined || handler === undefined) {
      throw new StreamError('not-authorized', 'Log in and bind a resource first')
    }
    const answered = (result: Element | Handled | undefined | void): void => {
      if (result !== handled) stream.send(reply(stanza, result instanceof Element ? result : undefined))
    }
    const refused = (error: unknown): void => {
      if (error instanceof StreamError) throw error
      stream.send(errorReply(stanza, this.#refusal(payload, error).toElement()))
    }
    try {
      const result = handler(stream, payload, stanza)
      return isPending(result) ? result.then(answered).catch(refused) : answered(result)
    } catch (error) {
      return refused(error)
    }
  }

  closed(stream: Stream): void {
    if (this.component?.stream === stream) {
      this.component = undefined
      this.hooks.announce('component/disconnected', { domain: this.domain })
      return
    }
    const session = this.#sessionOf(stream)
    if (session?.stream !== stream) return
    session.detach()
    if (!session.closed && this.hooks.fire('session/detached', { session, stream }) === 'kept') return
    this.closeSession(session)
  }

  /** Binds a resource; whoever had it before is told so and goes (RFC 6120 §7.7.2.2). */
  bind(stream: Stream, account: Account, resource: string): ClientSession {
    const former = account.session(resource)
    if (former !== undefined) this.closeSession(former, new StreamError('conflict', 'Replaced by a new connection'))
    const session = new ClientSession(account.jid.withResource(resource), resource, account, this.#owner)
    this.attach(session, stream)
    account.add(session)
    this.hooks.announce('session/bound', { session, stream })
    return session
  }

  /** Makes a session without a stream, as it was before the server was started anew. */
  restore(account: Account, resource: string): ClientSession {
    const session = new ClientSession(account.jid.withResource(resource), resource, account, this.#owner)
    account.add(session)
    return session
  }

  /** Lets whoever is at the other end of a stream speak for the domain; whoever did so before is told so and goes. */
  bindComponent(stream: Stream, proof: string): void {
    const former = this.component
    this.component = new ComponentSession(this.jid, stream, proof, this.#owner)
    former?.stream.close(new StreamError('conflict', 'Replaced by a new connection'))
    stream.identify(this.jid)
    stream.bind(this.jid, this.component)
  }

  /** Lets a stream carry a session from now on. */
  attach(session: ClientSession, stream: Stream): void {
    session.attach(stream)
    stream.bind(session.jid, session)
  }

  /** Ends a session for good: nobody can reach it any more, and everybody hears of it. */
  closeSession(session: ClientSession, error?: StreamError): void {
    const { account } = session
    if (account.session(session.resource) !== session) return
    account.remove(session)
    session.close(error)
    this.hooks.announce('session/closed', { session })
    this.directory.release(account)
    this.#log.debug('session closed', { jid: session.jid.full })
  }

  /** What the sender hears of an error: a handler that fails harms its request only. */
  #refusal(payload: Element, cause: unknown): StanzaError {
    if (cause instanceof StanzaError) return cause
    this.#log.error('early request failed', { stanza: `iq {${payload.ns}}${payload.name}`, error: cause })
    return new StanzaError('internal-server-error', undefined, { type: 'wait', cause })
  }

  #sessionOf({ identity }: Stream): ClientSession | undefined {
    if (identity?.resource === undefined) return undefined
    return this.directory.account(identity.bare)?.session(identity.resource)
  }
}
