/** RFC 6120 §8.3: why a stanza was refused, as a value that is thrown and becomes XML in one place. */
import { type Element, xml } from './xml/element.ts'
import { NS } from './xml/ns.ts'

/** The conditions of RFC 6120 §8.3.3, each with the error type that the RFC recommends for it. */
const typeOf = {
  'bad-request': 'modify',
  conflict: 'cancel',
  'feature-not-implemented': 'cancel',
  forbidden: 'auth',
  gone: 'cancel',
  'internal-server-error': 'cancel',
  'item-not-found': 'cancel',
  'jid-malformed': 'modify',
  'not-acceptable': 'modify',
  'not-allowed': 'cancel',
  'not-authorized': 'auth',
  'policy-violation': 'modify',
  'recipient-unavailable': 'wait',
  redirect: 'modify',
  'registration-required': 'auth',
  'remote-server-not-found': 'cancel',
  'remote-server-timeout': 'wait',
  'resource-constraint': 'wait',
  'service-unavailable': 'cancel',
  'subscription-required': 'auth',
  'undefined-condition': 'cancel',
  'unexpected-request': 'wait',
} as const

export type StanzaCondition = keyof typeof typeOf
export type StanzaErrorType = 'auth' | 'cancel' | 'continue' | 'modify' | 'wait'

export interface StanzaErrorOptions {
  /** Overrides the type that the RFC recommends for the condition. */
  readonly type?: StanzaErrorType
  /** Who speaks, if not the addressee: the room of an occupant, for instance. */
  readonly by?: string
  /** An application-specific condition, in a namespace of its own. */
  readonly extra?: Element
  /** What the answer holds besides, before its `<error/>` (RFC 6120 §8.3.1): that part of a request which was refused. */
  readonly payload?: Element
  /** Of `gone` and `redirect`: where it is now (RFC 6120 §8.3.3.5, §8.3.3.14). */
  readonly uri?: string
  readonly cause?: unknown
}

/**
 * The answer "no", thrown. Whoever handles a stanza throws it; the router
 * alone catches it and replies. Any other error is a bug of ours: it is
 * logged with its stack and the peer sees internal-server-error.
 */
export class StanzaError extends Error {
  override readonly name = 'StanzaError'
  readonly condition: StanzaCondition
  readonly type: StanzaErrorType
  readonly text: string | undefined
  readonly by: string | undefined
  readonly extra: Element | undefined
  readonly uri: string | undefined
  readonly payload: Element | undefined

  constructor(condition: StanzaCondition, text?: string, options: StanzaErrorOptions = {}) {
    super(text ?? condition, { cause: options.cause })
    this.condition = condition
    this.type = options.type ?? typeOf[condition]
    this.text = text
    this.by = options.by
    this.extra = options.extra
    this.uri = options.uri
    this.payload = options.payload
  }

  /** The `<error/>` child of an error stanza (RFC 6120 §8.3.2). */
  toElement(): Element {
    return xml(
      'error',
      { xmlns: NS.client, type: this.type, by: this.by },
      xml(this.condition, { xmlns: NS.stanzas }, this.uri),
      this.text !== undefined && xml('text', { xmlns: NS.stanzas }, this.text),
      this.extra,
    )
  }

  /** Reads the `<error/>` of an error stanza somebody sent; unknown conditions become undefined-condition. */
  static fromElement(error: Element | undefined): StanzaError {
    const told = error?.elements.find(({ ns, name }) => ns === NS.stanzas && Object.hasOwn(typeOf, name))
    const text = error?.child('text', NS.stanzas)?.getText()
    const uri = told?.getText().trim() || undefined
    // `hasOwn` above has made it a key of the table.
    const condition = (told?.name as StanzaCondition | undefined) ?? 'undefined-condition'
    return new StanzaError(condition, text, uri === undefined ? {} : { uri })
  }
}
