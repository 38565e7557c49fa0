/** Requests that we have sent and whose answers we wait for (RFC 6120 §8.2.3). */
import type { Jid } from './jid/jid.ts'
import { StanzaError } from './stanza-error.ts'
import type { Clock } from './util/clock.ts'
import type { Element } from './xml/element.ts'
import { NS } from './xml/ns.ts'
import type { Stanza } from './xml/stanza.ts'

/** After that long a peer is taken to be unable to answer. */
const TIMEOUT_MILLISECONDS = 60_000

interface Waiting {
  readonly resolve: (payload: Element | undefined) => void
  readonly reject: (error: StanzaError) => void
  readonly timer: Disposable
}

/**
 * Answers are taken out before they reach any queue: a handler may therefore
 * wait for the answer of the very client whose stanza it is handling.
 */
export class PendingIqs {
  readonly #waiting = new Map<string, Waiting>()
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /**
   * The payload of the answer to request `id` from `us` to `peer`; rejects with a StanzaError, also when none comes in
   * time. Of several under one id the last gets the answer.
   */
  expect(us: Jid, peer: Jid, id: string): Promise<Element | undefined> {
    const key = keyOf(us, peer, id)
    const { promise, resolve, reject } = Promise.withResolvers<Element | undefined>()
    const timer = this.#clock.after(TIMEOUT_MILLISECONDS, () => {
      if (this.#waiting.get(key) === waiting) this.#waiting.delete(key)
      reject(new StanzaError('remote-server-timeout'))
    })
    const waiting = { resolve, reject, timer }
    this.#waiting.set(key, waiting)
    // The answer may be there before whoever has asked waits for it: the request is still on its way.
    promise.catch(() => {})
    return promise
  }

  /** True if the stanza was an answer that somebody waited for. */
  settle(stanza: Stanza, from: Jid, to: Jid): boolean {
    if (this.#waiting.size === 0 || stanza.id === undefined) return false
    const key = keyOf(to, from, stanza.id)
    const waiting = this.#waiting.get(key)
    if (waiting === undefined) return false
    this.#waiting.delete(key)
    waiting.timer[Symbol.dispose]()
    if (stanza.type === 'error') waiting.reject(StanzaError.fromElement(stanza.child('error', NS.client)))
    else waiting.resolve(stanza.childAt(0))
    return true
  }
}

function keyOf(us: Jid, peer: Jid, id: string): string {
  // Resources have blanks in them.
  return `${us.full}\0${peer.full}\0${id}`
}
