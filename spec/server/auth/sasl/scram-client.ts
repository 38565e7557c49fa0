/** A SCRAM client, written from RFC 5802 with nothing of the server's: what the server agrees with is SCRAM. */
import { createHash, createHmac, pbkdf2Sync } from 'node:crypto'

export interface ScramClientOptions {
  readonly username: string
  readonly password: string
  readonly hash: 'sha1' | 'sha256' | 'sha512'
  readonly nonce?: string
  /** `n`, `y`, or `p=` and the type. */
  readonly flag?: string
  readonly authzid?: string
  readonly bindingData?: Buffer
  /** Sent after the nonce of the last message, with its comma. */
  readonly extension?: string
}

export class ScramClient {
  readonly #options: ScramClientOptions
  readonly nonce: string
  /** What the server must prove at last. */
  expected = ''

  constructor(options: ScramClientOptions) {
    this.#options = options
    this.nonce = options.nonce ?? 'fyko+d2lbbFgONRv9qkxdawL'
  }

  get header(): string {
    const { flag = 'n', authzid } = this.#options
    return `${flag},${authzid === undefined ? '' : `a=${escape(authzid)}`},`
  }

  get firstBare(): string {
    return `n=${escape(this.#options.username)},r=${this.nonce}`
  }

  first(): Buffer {
    return Buffer.from(this.header + this.firstBare)
  }

  final(serverFirst: Buffer): Buffer {
    const { password, hash, bindingData = Buffer.alloc(0), extension = '' } = this.#options
    const { r = '', s = '', i = '' } = attributes(serverFirst.toString())
    const salt = Buffer.from(s, 'base64')
    const bytes = createHash(hash).digest().length
    const salted = pbkdf2Sync(password, salt, Number(i), bytes, hash)

    const channel = Buffer.concat([Buffer.from(this.header), bindingData]).toString('base64')
    const withoutProof = `c=${channel},r=${r}${extension}`
    const authMessage = `${this.firstBare},${serverFirst.toString()},${withoutProof}`
    const hmac = (key: Buffer, text: string): Buffer => createHmac(hash, key).update(text).digest()

    const clientKey = hmac(salted, 'Client Key')
    const signature = hmac(createHash(hash).update(clientKey).digest(), authMessage)
    const proof = Buffer.from(clientKey.map((byte, at) => byte ^ (signature[at] ?? 0)))
    this.expected = `v=${hmac(hmac(salted, 'Server Key'), authMessage).toString('base64')}`
    return Buffer.from(`${withoutProof},p=${proof.toString('base64')}`)
  }
}

/** The attributes of a message by their letter. */
export function attributes(message: string): Record<string, string> {
  return Object.fromEntries(message.split(',').map((part) => [part.charAt(0), part.slice(2)]))
}

function escape(name: string): string {
  return name.replaceAll('=', '=3D').replaceAll(',', '=2C')
}
