/** A host, and the server, as a module sees them: all that the author of a module needs to read. */
import type { AccountRole } from '../auth/accounts.ts'
import type { KeyDerivation } from '../auth/pbkdf2.ts'
import type { Command } from '../admin/command.ts'
import type { Fields } from '../config/types.ts'
import type { Jid } from '../jid/jid.ts'
import type { Log } from '../log/log.ts'
import type { HttpHandler, UpgradeHandler } from '../net/http-server.ts'
import type { Handled, Origin, StanzaEvent } from '../routed-stanza.ts'
import type { Account, HeldAccount } from '../session/account.ts'
import type { ClientSession } from '../session/client-session.ts'
import type { ComponentSession } from '../session/component-session.ts'
import type { Stream } from '../stream/stream.ts'
import type { StreamError } from '../stream/stream-error.ts'
import type { Transport } from '../stream/transport.ts'
import type { Clock } from '../util/clock.ts'
import type { Maybe } from '../util/maybe.ts'
import type { Turn } from '../util/turn.ts'
import type { Random } from '../util/random.ts'
import type { Element } from '../xml/element.ts'
import type { Stanza } from '../xml/stanza.ts'
import type { HostHooks } from './events.ts'
import type { AskingName, EventOf, HandlerOf, NoticeName, ReplyOf } from './hooks.ts'
import type { Interval } from './life.ts'
import type { HostKind, ServiceName, Services } from './module.ts'
import type { Provisions, ServerProvisions, StreamFeature } from './provisions.ts'
import type { Stage } from './stages.ts'

export interface IqRequest<O extends Origin = Origin> extends StanzaEvent<O> {
  /** The one child of the iq (RFC 6120 §8.2.3). */
  readonly payload: Element
  /** Runs once the answer has been sent: what must come behind it, as a roster push does. */
  afterAnswer(run: () => void): void
}

/** The answer to a request: its payload, or nothing for an empty result. To refuse, throw a StanzaError. */
export type IqHandler<O extends Origin = Origin> = (iq: IqRequest<O>) => Maybe<Element | undefined | void>

/**
 * To whom a request is addressed: the host; the bare JID of an account, by
 * anyone; or `self`, an account of the host by one of its own clients.
 */
export type IqPlace = 'host' | 'account' | 'self'

export interface IqMatch<At extends IqPlace = IqPlace> {
  readonly type: 'get' | 'set'
  readonly ns: string
  readonly name: string
  readonly at: At
}

/** Takes an element of a stream that is no stanza. */
export type NonzaHandler = (stream: Stream, element: Element) => Maybe<void>

/** Answers a request on a stream that has no bound resource yet: its payload, nothing, or `handled` if it has replied itself. */
export type StreamIqHandler = (
  stream: Stream,
  payload: Element,
  iq: Stanza,
) => Maybe<Element | Handled | undefined | void>

/** What every module can do, wherever it runs. All of it ends when the module is unloaded. */
export interface ModuleLife {
  readonly log: Log
  readonly clock: Clock
  readonly random: Random
  /** Runs in the background; errors are logged, unloading the module aborts it and waits for it. */
  spawn(name: string, run: (signal: AbortSignal) => Maybe<void>): void
  every(interval: Interval, name: string, run: (signal: AbortSignal) => Maybe<void>): void
  after(seconds: number, name: string, run: () => Maybe<void>): Disposable
  /** Ties anything else to the life of the module. */
  use<R extends Disposable | AsyncDisposable>(resource: R): R
  defer(cleanup: () => Maybe<void>): void
}

/** A host as one module sees it. */
export interface ModuleHost<D extends ServiceName = never> extends ModuleLife {
  readonly domain: string
  readonly kind: HostKind
  /** The host itself as an address. */
  readonly jid: Jid
  /** Who may administer it, besides accounts with the role `admin`. */
  readonly admins: readonly Jid[]
  /** Guests log in here, without an account (XEP-0175). */
  readonly anonymous: boolean
  /** The other domains that this server serves, by kind. */
  siblings(kind: HostKind): readonly string[]
  /** True if a client of this server has bound that full JID. */
  isConnected(jid: Jid): boolean
  /** What somebody is on whatever host of this server their account is; undefined if they have none here. */
  roleOf(jid: Jid): Maybe<AccountRole | undefined>
  /** Makes keys of passwords, few at a time. */
  readonly pbkdf2: KeyDerivation

  on<K extends keyof HostHooks>(hook: K, handler: HandlerOf<HostHooks[K]>, at?: Stage): void
  fire<K extends AskingName<HostHooks>>(hook: K, event: EventOf<HostHooks[K]>): ReplyOf<HostHooks[K]>
  announce<K extends NoticeName<HostHooks>>(hook: K, event: EventOf<HostHooks[K]>): void
  /** Fires a hook of another host of this server; undefined if that is not ours. */
  fireAt<K extends AskingName<HostHooks>>(
    domain: string,
    hook: K,
    event: EventOf<HostHooks[K]>,
  ): ReplyOf<HostHooks[K]> | undefined

  /** Answers requests that match. Two modules cannot answer the same. */
  iq(match: IqMatch<'self'>, handler: IqHandler<ClientSession>): void
  iq(match: IqMatch, handler: IqHandler): void

  /** Takes elements of streams that are no stanzas. */
  nonza(match: { readonly ns: string; readonly name: string }, handler: NonzaHandler): void
  /** Answers requests before a resource is bound: binding itself, registration. */
  streamIq(match: Omit<IqMatch, 'at'>, handler: StreamIqHandler): void
  /** Offers a child of `<stream:features/>`; those of the module loaded first come first. */
  streamFeature(feature: StreamFeature): void

  /** Serves a path of the http listeners, and all below it. It is shared by all hosts: put the domain into it. */
  route(path: string, handler: HttpHandler): void

  /** Announces a feature of the host in service discovery. */
  feature(ns: string): void
  /** Adds to a list others read. */
  provide<K extends keyof Provisions>(kind: K, item: Provisions[K]): void
  /** The same until it is disposed, or the module is unloaded. */
  provideUntil<K extends keyof Provisions>(kind: K, item: Provisions[K]): Disposable
  /** Runs for each item there is or will be; what it returns runs when the item goes. */
  each<K extends keyof Provisions>(kind: K, added: (item: Provisions[K]) => (() => void) | void): void
  /** The items there are just now. */
  items<K extends keyof Provisions>(kind: K): Iterable<Provisions[K]>
  command<const F extends Fields>(command: Command<F>): void

  /** The service of a module named in `depends`. */
  service<N extends D>(name: N): Services[N]
  /** The service of a module that may or may not be there; ask anew each time. */
  optionalService<N extends ServiceName>(name: N): Services[N] | undefined

  /** An account of this host that has sessions. */
  account(bare: string): Account | undefined
  readonly accounts: Iterable<Account>
  /** The account with that bare JID, to bind a session to; made if it has none yet, and kept until that is disposed. */
  holdAccount(jid: Jid): HeldAccount
  /** Binds a resource for the stream's identity; whoever had it before goes (RFC 6120 §7.7.2.2). */
  bindSession(stream: Stream, account: Account, resource: string): ClientSession
  /** Makes a session without a stream, for a client that had it before the server was started anew. */
  restoreSession(account: Account, resource: string): ClientSession
  /** Lets another stream carry a session. */
  attachSession(session: ClientSession, stream: Stream): void
  /** Ends a session; its client is told why, if there is a reason. */
  closeSession(session: ClientSession, error?: StreamError): void

  /** The program that speaks for the host, while it is connected (XEP-0114). */
  readonly component: ComponentSession | undefined
  /** Lets whoever is at the other end of a stream do so, and has shown that they may; whoever did so before goes. */
  bindComponent(stream: Stream, proof: string): void

  /** Sends a stanza of our own; its `from` and `to` must be set. It takes the way of any stanza that arrives. */
  send(stanza: Stanza): Maybe<void>
  /** The same, for whoever has the addresses at hand: nothing is parsed. */
  sendTo(to: Jid, stanza: Stanza, from: Jid): Maybe<void>
  /** Sends a request and waits for the answer's payload; rejects with a StanzaError, also when none comes in time. */
  request(request: {
    from: Jid
    to: Jid
    type: 'get' | 'set'
    payload: Element
    id?: string
  }): Promise<Element | undefined>
  /** Reads an address; throws JidError. */
  parseJid(text: string): Jid
  /** Reads an address; undefined if it is none. */
  tryParseJid(text: string): Jid | undefined

  /** Deletes everything that any module has stored for a node of this host. */
  purge(node: string): Promise<void>

  /** A value kept with each session, created when first asked for. It survives a reload of the module. */
  slot<T>(name: string, initial: (session: ClientSession) => T): (session: ClientSession) => T
  /** The same, for what must be known when the session goes on after a restart of the server: JSON. */
  lastingSlot<T extends object>(name: string, initial: () => T): (session: ClientSession) => T
  /** The same with each account that has sessions. */
  accountSlot<T>(name: string, initial: (account: Account) => T): (account: Account) => T
}

/** The server as a server module sees it. */
export interface ModuleServer extends ModuleLife {
  /** Serves a path of the http listeners. */
  route(path: string, handler: HttpHandler): void
  upgrade(path: string, handler: UpgradeHandler): void
  /** The end of the turn, at which transports write. */
  readonly turn: Turn
  /** Begins a stream over a wire, as with a client that has connected. */
  accept(transport: Transport): void
  /** Adds to a list that other modules of the server read. */
  provide<K extends keyof ServerProvisions>(kind: K, item: ServerProvisions[K]): void
  /** The items there are just now. */
  items<K extends keyof ServerProvisions>(kind: K): Iterable<ServerProvisions[K]>
  command<const F extends Fields>(command: Command<F>): void
  /** The domains served. */
  readonly domains: Iterable<string>
}
