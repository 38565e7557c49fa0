/** RFC 6120 §6: the logins of one stream. What is offered, one dialogue at a time, and an end to trying. */
import { isPending, type Maybe } from '../../util/maybe.ts'
import type { ChannelBindingType } from './channel-binding.ts'
import type { Dialogue, Identity, Mechanism, SaslContext, SaslEnvironment, Step } from './mechanism.ts'
import { makeOffer, type Offer } from './offer.ts'
import { SaslFailure, type SaslCondition } from './sasl-failure.ts'
import { decodeBase64 } from './text.ts'

/** A step for the wire: its data are base64. The empty text is empty data; only `<success/>` can do without. */
export type Outcome =
  | { readonly kind: 'challenge'; readonly data: string }
  | { readonly kind: 'success'; readonly identity: Identity; readonly mechanism: string; readonly data?: string }

/**
 * The SASL side of one stream, made when its channel and its host are settled.
 * Every method throws, or rejects with, `SaslFailure` to refuse; any other
 * error is a fault of ours and ends the dialogue too.
 */
export class SaslNegotiator {
  readonly #known: readonly Mechanism[]
  readonly #offer: Offer
  readonly #context: SaslContext
  #dialogue: Dialogue | undefined
  /** The dialogue has been asked and has not answered. */
  #isThinking = false
  #isDone = false
  #failures = 0

  /** `known` are the mechanisms that the host allows; `offer` is what was offered of them. */
  constructor(known: readonly Mechanism[], environment: SaslEnvironment, offer: Offer = makeOffer(known, environment)) {
    this.#known = known
    this.#offer = offer
    this.#context = { ...environment, bindingTypes: offer.bindingTypes, mechanismsOffered: offer.names }
  }

  /** The names that are offered, the strongest first. */
  get mechanisms(): readonly string[] {
    return this.#offer.names
  }

  /** The types to announce with them (XEP-0440). */
  get bindingTypes(): readonly ChannelBindingType[] {
    return this.#offer.bindingTypes
  }

  /** Too many have failed here: the stream is to be closed with `policy-violation` (RFC 6120 §6.4.5). */
  get exhausted(): boolean {
    return this.#failures >= FAILURES_PER_STREAM
  }

  /** Starts a dialogue. `initial` is the base64 of the initial response; undefined if there was none. */
  begin(mechanism: string, initial: string | undefined): Maybe<Outcome> {
    if (this.#isDone || this.exhausted) throw this.refuse('not-authorized', 'There is no login to be had here')
    if (this.#dialogue !== undefined) throw this.refuse('malformed-request', 'Another login is under way')
    const chosen = this.#offer.mechanisms.find(({ name }) => name === mechanism)
    if (chosen === undefined) throw this.refuse(this.#whyNot(mechanism))
    this.#dialogue = chosen.start(this.#context)
    return this.#step(this.#dialogue, initial)
  }

  /** Goes on with the base64 of a response. */
  respond(response: string): Maybe<Outcome> {
    const dialogue = this.#dialogue
    if (dialogue === undefined) throw this.refuse('malformed-request', 'No login is under way')
    if (this.#isThinking) throw this.refuse('malformed-request', 'It is not your turn')
    return this.#step(dialogue, response)
  }

  /** The peer gives up. The failure to be answered is returned, and counts: else asking would cost nothing. */
  abort(): SaslFailure {
    return this.refuse('aborted')
  }

  /** What is wrong is outside of the mechanisms. The failure to be answered is returned, and counts. */
  refuse(condition: SaslCondition, text?: string): SaslFailure {
    this.#end()
    return new SaslFailure(condition, text)
  }

  #step(dialogue: Dialogue, text: string | undefined): Maybe<Outcome> {
    try {
      const step = dialogue.step(this.#decode(text))
      if (!isPending(step)) return this.#settle(dialogue, step)
      this.#isThinking = true
      return step.then(
        (late) => this.#settle(dialogue, late),
        (error: unknown) => {
          throw this.#failed(dialogue, error)
        },
      )
    } catch (error) {
      throw this.#failed(dialogue, error)
    }
  }

  #decode(text: string | undefined): Buffer | undefined {
    if (text === undefined) return undefined
    if (text.length > ENCODED_CHARS) throw new SaslFailure('malformed-request', 'Too long')
    const data = decodeBase64(text === '=' ? '' : text)
    if (data === undefined) throw new SaslFailure('incorrect-encoding')
    return data
  }

  #settle(dialogue: Dialogue, step: Step): Outcome {
    // It was given up meanwhile: an answer that comes late must not log anyone in.
    if (this.#dialogue !== dialogue) throw new SaslFailure('aborted')
    this.#isThinking = false
    if (step.kind === 'challenge') return { kind: 'challenge', data: step.data.toString('base64') }
    this.#dialogue = undefined
    this.#isDone = true
    const { kind, identity, mechanism, data } = step
    return { kind, identity, mechanism, ...(data && { data: data.toString('base64') }) }
  }

  /** The error to throw for one that a dialogue has thrown, which counts unless it has been given up already. */
  #failed(dialogue: Dialogue, error: unknown): unknown {
    if (this.#dialogue === dialogue) this.#end()
    return error
  }

  #end(): void {
    this.#dialogue = undefined
    this.#isThinking = false
    this.#failures++
  }

  #whyNot(name: string): SaslCondition {
    const known = this.#known.find((mechanism) => mechanism.name === name)
    return known?.needs.includes('secure') && !this.#context.secure ? 'encryption-required' : 'invalid-mechanism'
  }
}

/** RFC 6120 §6.4.5 allows two to five. */
const FAILURES_PER_STREAM = 5
/** 6 KB of data: a PLAIN message with the longest name and password has 5. */
const ENCODED_CHARS = 8192
