/** The XML declaration at the start of a stream (XML 1.0 §2.8, RFC 6120 §11.5). */
import { UNFINISHED } from './reference.ts'
import { XmlError } from './xml-error.ts'

const OPENER = '<?xml'
/** Bytes. */
export const LONGEST_DECLARATION = 256

const S = '[ \\t\\r\\n]'
const EQUALS = `${S}*=${S}*`
const DECLARATION = new RegExp(
  `^<\\?xml${S}+version${EQUALS}(?:'1\\.\\d+'|"1\\.\\d+")` +
    `(?:${S}+encoding${EQUALS}(?:'([A-Za-z][A-Za-z0-9._-]*)'|"([A-Za-z][A-Za-z0-9._-]*)"))?` +
    `(?:${S}+standalone${EQUALS}(?:'(?:yes|no)'|"(?:yes|no)"))?${S}*\\?>$`,
)

/** The length of the declaration that `text` begins with, or UNFINISHED. Throws an XmlError for anything else. */
export function declarationEnd(text: string): number {
  if (!OPENER.startsWith(text.slice(0, OPENER.length))) throw new XmlError('restricted-xml', 'Processing instruction')
  const close = text.indexOf('?>')
  const end = close === -1 ? text.length : close + 2
  if (end > LONGEST_DECLARATION) throw new XmlError('not-well-formed', 'XML declaration too long')
  if (close === -1) return UNFINISHED
  const match = DECLARATION.exec(text.slice(0, end))
  if (match === null) throw new XmlError('not-well-formed', 'XML declaration')
  const encoding = match[1] ?? match[2] ?? 'utf-8'
  // Nothing but UTF-8 (RFC 6120 §11.6).
  if (encoding.toLowerCase() !== 'utf-8') throw new XmlError('unsupported-encoding', encoding)
  return end
}
