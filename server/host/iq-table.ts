/** Who answers which request. */
import { StanzaError } from '../stanza-error.ts'
import { handled, type Handled, type StanzaEvent } from '../routed-stanza.ts'
import { isPending, type Maybe } from '../util/maybe.ts'
import { reply } from '../xml/build.ts'
import type { Element } from '../xml/element.ts'
import type { IqHandler, IqMatch, IqPlace, IqRequest } from './host.ts'

/**
 * The answerers of a host, found by type, payload and addressee. The answer is
 * built here, so it can be neither forgotten nor sent twice (RFC 6120 §8.2.3).
 */
export class IqTable {
  readonly #handlers = new Map<string, IqHandler>()

  on(match: IqMatch, handler: IqHandler): Disposable {
    const key = keyOf(match)
    if (this.#handlers.has(key)) throw new Error(`two modules answer ${key}`)
    this.#handlers.set(key, handler)
    return { [Symbol.dispose]: () => void this.#handlers.delete(key) }
  }

  /** Answers a request if somebody knows it. */
  answer(event: StanzaEvent): Maybe<Handled | undefined> {
    const { stanza, to } = event
    const { type } = stanza
    if (type !== 'get' && type !== 'set') return undefined
    // A resource of an account is a client of it; one of the host is nothing of its own (RFC 6120 §10.5.2).
    if (to.node !== undefined && to.resource !== undefined) return undefined
    const payload = payloadOf(event)
    const handler = this.#find(event, type, payload)
    if (handler === undefined) return undefined
    const request = new Request(event, payload)
    const answer = handler(request)
    return isPending(answer) ? answer.then((result) => request.respond(result)) : request.respond(answer)
  }

  #find({ to, from, origin }: StanzaEvent, type: 'get' | 'set', { ns, name }: Element): IqHandler | undefined {
    const at = (place: IqPlace): IqHandler | undefined => this.#handlers.get(keyOf({ at: place, type, ns, name }))
    if (to.node === undefined) return at('host')
    const own = origin.kind === 'client' && to.bare === from.bare
    return (own ? at('self') : undefined) ?? at('account')
  }
}

function payloadOf({ stanza }: StanzaEvent): Element {
  const [ref, other] = stanza.refs
  if (ref === undefined || other !== undefined) throw new StanzaError('bad-request', 'A request has exactly one child')
  // The reference was taken from this stanza.
  return stanza.childAt(0) as Element
}

function keyOf({ type, ns, name, at }: IqMatch): string {
  return `${at} ${type} ${ns} ${name}`
}

/** A request on its way: the event that carries it, and its payload. */
class Request implements IqRequest {
  readonly payload: Element
  readonly #event: StanzaEvent
  #after: (() => void)[] | undefined

  constructor(event: StanzaEvent, payload: Element) {
    this.#event = event
    this.payload = payload
  }

  get stanza() {
    return this.#event.stanza
  }

  set stanza(stanza) {
    this.#event.stanza = stanza
  }

  get origin() {
    return this.#event.origin
  }

  get from() {
    return this.#event.from
  }

  get to() {
    return this.#event.to
  }

  get isGivenUp() {
    return this.#event.isGivenUp
  }

  settles(write: Promise<void>, otherwise?: 'or refuse'): void {
    this.#event.settles(write, otherwise)
  }

  afterAnswer(run: () => void): void {
    this.#after ??= []
    this.#after.push(run)
  }

  respond(result: Element | undefined | void): Handled {
    // Whoever has named no addressee has asked their account.
    const from = this.stanza.to ?? this.to.full
    if (!this.isGivenUp) this.origin.send(reply(this.stanza, result ?? undefined).with({ from }))
    for (const run of this.#after ?? []) run()
    return handled
  }
}
