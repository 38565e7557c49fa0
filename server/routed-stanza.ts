/** A stanza on its way through the hooks of one or two hosts. */
import type { Jid } from './jid/jid.ts'
import type { Maybe } from './util/maybe.ts'
import type { Stanza } from './xml/stanza.ts'

/** Returned by a handler that has dealt with a stanza: no later handler sees it. */
export const handled: Handled = Object.freeze({ handled: true })
export interface Handled {
  readonly handled: true
}

/** Whoever a stanza came from: a client, another server, a component, or a service of our own. */
export interface Origin {
  readonly kind: 'client' | 'server' | 'component' | 'local'
  readonly jid: Jid
  /** Sends back to where the stanza came from. False if there is no way just now. */
  send(stanza: Stanza): boolean
}

/** A stanza on its way. The stanza is a value; a handler that changes it puts another in its place. */
export interface StanzaEvent<O extends Origin = Origin> {
  stanza: Stanza
  readonly origin: O
  /** The full JID of a client; the address of a service. */
  readonly from: Jid
  /** The addressee. A client's stanza without one is addressed to its own account (RFC 6120 §10.3.1). */
  readonly to: Jid
  /** Its sender has been told that it took too long: it goes no further, and is not answered again. */
  readonly isGivenUp: boolean
  /**
   * Ties the acknowledgement of the stanza (XEP-0198) to a write still under
   * way. The stanza goes on at once; only the `<a/>` waits. If the write
   * fails, the sender is told only if nobody has got the stanza: 'or refuse'.
   */
  settles(write: Promise<void>, otherwise?: 'or refuse'): void
}

export class RoutedStanza<O extends Origin = Origin> implements StanzaEvent<O> {
  stanza: Stanza
  readonly origin: O
  readonly from: Jid
  readonly to: Jid
  /** Its place among the stanzas that its session counts. */
  readonly number: number | undefined
  isGivenUp = false
  #writes: Promise<void>[] | undefined
  /** Rejects if the stanza could not be kept for anybody; undefined if nothing depends on that. */
  essential: Promise<void> | undefined

  constructor(stanza: Stanza, origin: O, from: Jid, to: Jid, number?: number) {
    this.stanza = stanza
    this.origin = origin
    this.from = from
    this.to = to
    this.number = number
    this.#writes = undefined
    this.essential = undefined
  }

  settles(write: Promise<void>, otherwise?: 'or refuse'): void {
    if (otherwise !== undefined) this.essential = write
    this.#writes ??= []
    this.#writes.push(write)
  }

  /** What the acknowledgement of this stanza must wait for, if anything. */
  settled(): Maybe<void> {
    return this.#writes === undefined ? undefined : Promise.allSettled(this.#writes).then(() => {})
  }
}
