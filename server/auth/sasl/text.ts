/** What SASL data is made of: base64 (RFC 4648 §4) and UTF-8, read so strictly that what is read is what was written. */
import { isUtf8 } from 'node:buffer'

/** The bytes of a base64 text; undefined for anything that the encoder would not have written (RFC 6120 §13.9.1). */
export function decodeBase64(text: string): Buffer | undefined {
  const data = Buffer.from(text, 'base64')
  // Node skips what is not base64; then the way back leads elsewhere.
  return data.toString('base64') === text ? data : undefined
}

/** The text of UTF-8 bytes, with any byte order mark; undefined if they are no UTF-8. */
export function decodeUtf8(data: Buffer): string | undefined {
  return isUtf8(data) ? data.toString('utf8') : undefined
}
