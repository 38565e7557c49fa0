/** The hooks that the kernel fires, and what it tells with them. */
import type { Account } from '../session/account.ts'
import type { ClientSession } from '../session/client-session.ts'
import type { Origin, StanzaEvent } from '../routed-stanza.ts'
import type { Stream } from '../stream/stream.ts'
import type { Stanza } from '../xml/stanza.ts'
import type { Chain, Notice, Query, Shape } from './hooks.ts'

/** A stanza that is stored until its client has acknowledged it. */
export interface Kept {
  /** Names it in storage. */
  readonly ref: string
  /** Resolves when it is durable. */
  readonly stored: Promise<void>
  /** Its client has got it, or somebody else will. */
  forget(): void
  /** Its client will not come back: whoever comes next gets it. */
  release(): void
}

/** What modules know of a session, under their names. */
export type SessionFacts = Map<string, unknown>

/**
 * Every hook of a host. Modules add their own by declaration merging, next to
 * the code that fires them, so this map is the whole vocabulary of the server.
 */
export interface HostHooks {
  /** A client of this host sends. Fired before the stanza goes anywhere. */
  'outgoing/message': Chain<StanzaEvent<ClientSession>>
  'outgoing/presence': Chain<StanzaEvent<ClientSession>>
  'outgoing/iq': Chain<StanzaEvent<ClientSession>>
  /** Someone sends to this host or an address under it. */
  'incoming/message': Chain<StanzaEvent<Origin>>
  'incoming/presence': Chain<StanzaEvent<Origin>>
  'incoming/iq': Chain<StanzaEvent<Origin>>
  /**
   * A client asks for a resource, or had one before the server was started anew: load what the account's handlers will
   * need, so that they need not wait later; throw to refuse (RFC 6120 §7.6.2).
   */
  'session/binding': Chain<{ readonly account: Account; readonly stream: Stream | undefined }>
  'session/bound': Notice<{ readonly session: ClientSession; readonly stream: Stream }>
  /** The stream of a session is gone. Answer 'kept' to let the session live on without one (XEP-0198 §5). */
  'session/detached': Query<{ readonly session: ClientSession; readonly stream: Stream }, 'kept'>
  /**
   * A session is over and its client has not acknowledged this (XEP-0198 §4):
   * keep it or give it to another client; what nobody handles is refused.
   */
  'session/undelivered': Chain<{
    readonly session: ClientSession
    readonly stanza: Stanza
    readonly kept?: Kept | undefined
  }>
  /**
   * A stanza has been sent to a client that will acknowledge it, or waits for one that is cut off (XEP-0198): store it
   * until then, if it would be missed when the server ends before. `is: 'late'` says that this may take long; answered
   * by what is stored. With `ref`, it was stored before the server was started anew.
   */
  'session/unacknowledged': Query<
    {
      readonly session: ClientSession
      readonly stanza: Stanza
      readonly is: 'sent' | 'late'
      readonly ref?: string | undefined
    },
    Kept
  >
  /** The server stops. Answer 'kept' if the session goes on when it is back: nobody hears that it has ended then. */
  'session/outliving': Query<{ readonly session: ClientSession }, 'kept'>
  /** The session is about to be written down: add what must be known of it when the server is back, as JSON. */
  'session/saving': Shape<{ readonly session: ClientSession; readonly facts: SessionFacts }>
  /** A session goes on after a restart, without a stream as yet: nobody has noticed that it was away. */
  'session/restored': Notice<{ readonly session: ClientSession; readonly facts: SessionFacts }>
  /**
   * A stanza waits for a client that has no stream (XEP-0198 §5), does not acknowledge what it is sent, or sleeps
   * (XEP-0352): whoever can wake the client up may do so. Told of each stanza, sometimes more than once.
   */
  'session/waiting': Notice<{ readonly session: ClientSession; readonly stanza: Stanza }>
  /** A client that reads the archive of its account has bound a resource: it needs nothing that was kept for it (XEP-0386 §3.2). */
  'session/reads-archive': Notice<{ readonly session: ClientSession }>
  /** The program that spoke for the host is gone (XEP-0114). */
  'component/disconnected': Notice<{ readonly domain: string }>
  /** All modules of the host have been loaded, and nobody can connect yet. */
  'host/started': Chain<{ readonly domain: string }>
  /** Nobody is connected any more; all modules are still loaded. */
  'host/stopping': Chain<{ readonly domain: string }>
  /** An account is about to be made; throw an AccountError to refuse. */
  'account/creating': Chain<{ readonly node: string }>
  /** There is a new account. */
  'account/created': Notice<{ readonly node: string }>
  /** An account has another password: nobody stays trusted because of the old one. */
  'account/password-changed': Notice<{ readonly node: string }>
  /** A client was cut off that may come back: how many seconds it has for that, if more than others (XEP-0198 §5). */
  'session/patience': Query<{ readonly session: ClientSession }, number>
  /** A session goes on with another stream (XEP-0198 §5). */
  'session/resumed': Notice<{ readonly session: ClientSession; readonly stream: Stream }>
  /** The session is over, and no longer among those of its account. */
  'session/closed': Notice<{ readonly session: ClientSession }>
  /** An account is being deleted: everything kept for it is about to go. */
  'account/removing': Chain<{ readonly node: string }>
  /** It is gone, with its sessions and all that was stored for it: what is kept of it in memory must go too. */
  'account/removed': Notice<{ readonly node: string }>
}
