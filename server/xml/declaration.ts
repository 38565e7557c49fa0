/** The XML declaration at the start of a stream (XML 1.0 §2.8, RFC 6120 §11.5). */
import { UNFINISHED } from './reference.ts'
import { XmlError } from './xml-error.ts'

const OPENER = '<?xml'
const LONGEST = 256

const S = '[ \\t\\r\\n]'
const EQUALS = `${S}*=${S}*`
const DECLARATION = new RegExp(
  `^<\\?xml${S}+version${EQUALS}(?:'1\\.\\d+'|"1\\.\\d+")` +
    `(?:${S}+encoding${EQUALS}(?:'([A-Za-z][A-Za-z0-9._-]*)'|"([A-Za-z][A-Za-z0-9._-]*)"))?` +
    `(?:${S}+standalone${EQUALS}(?:'(?:yes|no)'|"(?:yes|no)"))?${S}*\\?>$`,
)

/** The place after the declaration that begins at `start`, or UNFINISHED. Throws an XmlError for anything else. */
export function declarationEnd(text: string, start: number): number {
  if (!OPENER.startsWith(text.slice(start, start + OPENER.length))) {
    throw new XmlError('restricted-xml', 'Processing instruction')
  }
  const close = text.indexOf('?>', start)
  const end = close === -1 ? text.length : close + 2
  if (end - start > LONGEST) throw new XmlError('not-well-formed', 'XML declaration too long')
  if (close === -1) return UNFINISHED
  const match = DECLARATION.exec(text.slice(start, end))
  if (match === null) throw new XmlError('not-well-formed', 'XML declaration')
  const encoding = match[1] ?? match[2] ?? 'utf-8'
  // RFC 6120 §11.6: nothing but UTF-8.
  if (encoding.toLowerCase() !== 'utf-8') throw new XmlError('unsupported-encoding', encoding)
  return end
}
