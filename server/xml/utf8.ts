/** Text from bytes that must be UTF-8 (RFC 6120 §11.6, RFC 3629). */
import { isAscii, isUtf8 } from 'node:buffer'

/** Bytes that begin a character whose other bytes have not come yet. */
const NOTHING = Buffer.alloc(0)

/** Decodes chunk by chunk; characters may be cut anywhere. */
export class Utf8Decoder {
  #tail = NOTHING
  #broken = false

  /** True once there was a byte that no UTF-8 has in that place. */
  get broken(): boolean {
    return this.#broken
  }

  /** True if the last character is not complete. */
  get unfinished(): boolean {
    return this.#tail.length > 0
  }

  /** The text so far; where the bytes are `broken`, the text before that place. */
  decode(chunk: Buffer): string {
    if (this.#tail.length === 0 && isAscii(chunk)) return chunk.toString('latin1')
    const bytes = this.#tail.length === 0 ? chunk : Buffer.concat([this.#tail, chunk])
    const end = bytes.length - unfinishedBytes(bytes)
    const whole = bytes.subarray(0, end)
    if (isUtf8(whole)) {
      this.#tail = end === bytes.length ? NOTHING : Buffer.from(bytes.subarray(end))
      return whole.toString()
    }
    this.#broken = true
    this.#tail = NOTHING
    return whole.subarray(0, validBytes(whole)).toString()
  }
}

/** How many bytes at the end are the beginning of a longer character. */
function unfinishedBytes(bytes: Buffer): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back]!
    if (byte >= 0xc0) return sequenceLength(byte) > back ? back : 0
    if (byte < 0x80) return 0
  }
  return 0
}

/** How many bytes at the start are UTF-8. Only asked once, when some are not. */
function validBytes(bytes: Buffer): number {
  let valid = 0
  for (;;) {
    const next = valid + sequenceLength(bytes[valid] ?? 0)
    if (next > bytes.length || !isUtf8(bytes.subarray(valid, next))) return valid
    valid = next
  }
}

/** Bytes of the character that begins with `lead`; 1 also for bytes that begin none. */
function sequenceLength(lead: number): number {
  if (lead < 0xc0 || lead > 0xf4) return 1
  if (lead < 0xe0) return 2
  return lead < 0xf0 ? 3 : 4
}
