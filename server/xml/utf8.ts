/** Input must be UTF-8 (RFC 6120 §11.6, RFC 3629). */
import { isAscii, isUtf8 } from 'node:buffer'

const NOTHING = Buffer.alloc(0)

/** Checks chunk by chunk; characters may be cut anywhere. */
export class Utf8Check {
  /** The bytes of a character whose other bytes have not come yet. */
  #tail = NOTHING
  #isBroken = false

  /** True once there was a byte that no UTF-8 has in that place. */
  get isBroken(): boolean {
    return this.#isBroken
  }

  /** True if the last character is not complete. */
  get isUnfinished(): boolean {
    return this.#tail.length > 0
  }

  /** The whole characters so far; where the input is broken, those before that place. */
  pass(chunk: Buffer): Buffer {
    if (this.#tail.length === 0 && isAscii(chunk)) return chunk
    const bytes = this.#tail.length === 0 ? chunk : Buffer.concat([this.#tail, chunk])
    const end = bytes.length - unfinishedBytes(bytes)
    const whole = bytes.subarray(0, end)
    this.#isBroken = !isUtf8(whole)
    if (this.#isBroken) return whole.subarray(0, validBytes(whole))
    this.#tail = end === bytes.length ? NOTHING : Buffer.from(bytes.subarray(end))
    return whole
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
  if (lead < 0xc2 || lead > 0xf4) return 1
  if (lead < 0xe0) return 2
  return lead < 0xf0 ? 3 : 4
}

/** Where places among bytes are in the text that they encode. Asked for one place after another, going forward. */
export class TextPlaces {
  readonly #bytes: Uint8Array
  readonly #start: number
  #next: number
  #inText = 0

  /** Places count from `start`. */
  constructor(bytes: Uint8Array, start: number) {
    this.#bytes = bytes
    this.#start = start
    this.#next = start
  }

  at(place: number): number {
    for (const end = this.#start + place; this.#next < end; this.#next++) {
      const byte = this.#bytes[this.#next]!
      // The first byte of a character counts, and twice if the character is beyond U+FFFF.
      if (byte < 0x80 || byte >= 0xc0) this.#inText += byte < 0xf0 ? 1 : 2
    }
    return this.#inText
  }
}
