/** The hooks that the kernel fires, and what it tells with them. */
import type { Account } from '../session/account.ts'
import type { ClientSession } from '../session/client-session.ts'
import type { Origin, StanzaEvent } from '../routed-stanza.ts'
import type { Stream } from '../stream/stream.ts'
import type { Stanza } from '../xml/stanza.ts'
import type { Chain, Notice, Query } from './hooks.ts'

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
   * A client asks for a resource: load what the account's handlers will need,
   * so that they need not wait later; throw to refuse (RFC 6120 §7.6.2).
   */
  'session/binding': Chain<{ readonly account: Account; readonly stream: Stream }>
  'session/bound': Notice<{ readonly session: ClientSession; readonly stream: Stream }>
  /** The stream of a session is gone. Answer 'kept' to let the session live on without one (XEP-0198 §5). */
  'session/detached': Query<{ readonly session: ClientSession; readonly stream: Stream }, 'kept'>
  /**
   * A session is over and its client has not acknowledged this (XEP-0198 §4):
   * keep it or give it to another client; what nobody handles is refused.
   */
  'session/undelivered': Chain<{ readonly session: ClientSession; readonly stanza: Stanza }>
  /** A client that reads the archive of its account has bound a resource: it needs nothing that was kept for it (XEP-0386 §3.2). */
  'session/reads-archive': Notice<{ readonly session: ClientSession }>
  /** An account is about to be made; throw an AccountError to refuse. */
  'account/creating': Chain<{ readonly node: string }>
  /** There is a new account. */
  'account/created': Notice<{ readonly node: string }>
  /** An account has another password: nobody stays trusted because of the old one. */
  'account/password-changed': Notice<{ readonly node: string }>
  /** A session goes on with another stream (XEP-0198 §5). */
  'session/resumed': Notice<{ readonly session: ClientSession; readonly stream: Stream }>
  /** The session is over, and no longer among those of its account. */
  'session/closed': Notice<{ readonly session: ClientSession }>
  /** An account is being deleted: everything kept for it is about to go. */
  'account/removing': Chain<{ readonly node: string }>
  /** It is gone, with its sessions and all that was stored for it: what is kept of it in memory must go too. */
  'account/removed': Notice<{ readonly node: string }>
}
