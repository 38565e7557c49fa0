/** X.690: as much of DER as it takes to find something in a certificate. Reads, checks no signature. */

export interface DerElement {
  /** The identifier octet: class, constructed or not, and number. */
  readonly tag: number
  readonly content: Buffer
}

/**
 * The elements that follow each other in `data`, as views of it; undefined if
 * they do not fill it exactly, or if one has a tag above 30 or no definite
 * length, neither of which certificates contain.
 */
export function derElements(data: Buffer): readonly DerElement[] | undefined {
  const elements: DerElement[] = []
  for (let at = 0; at < data.length;) {
    const tag = data.readUInt8(at)
    const header = readLength(data, at + 1)
    if ((tag & 0x1f) === 0x1f || header === undefined) return undefined
    const end = header.contentAt + header.length
    if (end > data.length) return undefined
    elements.push({ tag, content: data.subarray(header.contentAt, end) })
    at = end
  }
  return elements
}

/** The children of an element that must have this tag; undefined if it has another, or is malformed. */
export function derChildren(element: DerElement | undefined, tag: number): readonly DerElement[] | undefined {
  return element?.tag === tag ? derElements(element.content) : undefined
}

/** The identifier octets that certificates use (RFC 5280 §4.1). */
export const DER = {
  octetString: 0x04,
  objectIdentifier: 0x06,
  utf8String: 0x0c,
  sequence: 0x30,
  /** `[number] EXPLICIT`, or `IMPLICIT` of something constructed. */
  context: (number: number): number => 0xa0 + number,
} as const

function readLength(data: Buffer, at: number): { contentAt: number; length: number } | undefined {
  if (at >= data.length) return undefined
  const first = data.readUInt8(at)
  if (first < 0x80) return { contentAt: at + 1, length: first }
  const bytes = first & 0x7f
  if (bytes === 0 || bytes > 4 || at + 1 + bytes > data.length) return undefined
  return { contentAt: at + 1 + bytes, length: data.readUIntBE(at + 1, bytes) }
}
