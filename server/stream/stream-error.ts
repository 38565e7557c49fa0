/** RFC 6120 §4.9: why a stream ends. */
import { type Element, xml } from '../xml/element.ts'
import { NS } from '../xml/ns.ts'

/** The conditions of RFC 6120 §4.9.3 that we use. */
export type StreamCondition =
  | 'bad-format'
  | 'bad-namespace-prefix'
  | 'conflict'
  | 'connection-timeout'
  | 'host-gone'
  | 'host-unknown'
  | 'improper-addressing'
  | 'internal-server-error'
  | 'invalid-from'
  | 'invalid-namespace'
  | 'invalid-xml'
  | 'not-authorized'
  | 'not-well-formed'
  | 'policy-violation'
  | 'reset'
  | 'resource-constraint'
  | 'restricted-xml'
  | 'system-shutdown'
  | 'undefined-condition'
  | 'unsupported-encoding'
  | 'unsupported-stanza-type'
  | 'unsupported-version'

/** Thrown by whoever finds that a stream cannot go on; the stream itself catches it, tells the peer and closes. */
export class StreamError extends Error {
  override readonly name = 'StreamError'
  readonly condition: StreamCondition
  readonly text: string | undefined
  /** An application-specific condition, in a namespace of its own. */
  readonly extra: Element | undefined

  constructor(condition: StreamCondition, text?: string, extra?: Element) {
    super(text ?? condition)
    this.condition = condition
    this.text = text
    this.extra = extra
  }

  /** The children of `<stream:error/>`. */
  get children(): readonly Element[] {
    const { condition, text, extra } = this
    return [
      xml(condition, { xmlns: NS.streams }),
      ...(text === undefined ? [] : [xml('text', { xmlns: NS.streams, 'xml:lang': 'en' }, text)]),
      ...(extra === undefined ? [] : [extra]),
    ]
  }
}
