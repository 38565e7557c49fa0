/** RFC 6120 §4.9.3: why a stream is closed when its XML is not acceptable. */
export type XmlCondition =
  | 'bad-format'
  | 'bad-namespace-prefix'
  | 'invalid-namespace'
  | 'invalid-xml'
  | 'not-well-formed'
  | 'policy-violation'
  | 'restricted-xml'
  | 'unsupported-encoding'

/** Thrown for XML that we do not take; `condition` is that of the stream error to send. */
export class XmlError extends Error {
  override readonly name = 'XmlError'
  readonly condition: XmlCondition

  constructor(condition: XmlCondition, text: string) {
    super(text)
    this.condition = condition
  }
}
