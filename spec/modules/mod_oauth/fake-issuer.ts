/** An OpenID provider on this machine, which gives out whatever token it is asked for. */
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, SignJWT, type CryptoKey, type JWK } from 'jose'

interface Key {
  readonly id: string
  readonly secret: CryptoKey
  readonly open: JWK
}

export class FakeIssuer implements AsyncDisposable {
  /** Paths that were asked for. */
  readonly asked: string[] = []
  /** What it says of tokens that only it can read. */
  readonly opaque = new Map<string, Record<string, unknown>>()
  /** What comes instead of its answers. */
  fault: { readonly status: number; readonly body: string } | undefined
  /** What it calls itself in its metadata, if not what it is. */
  alias: string | undefined
  readonly #server: Server
  #keys: readonly Key[] = []

  static async start(): Promise<FakeIssuer> {
    const issuer = new FakeIssuer()
    await issuer.newKey()
    await new Promise<void>((resolve) => issuer.#server.listen(0, '127.0.0.1', resolve))
    return issuer
  }

  private constructor() {
    this.#server = createServer((request, response) => {
      let form = ''
      request.on('data', (chunk: Buffer) => (form += chunk.toString()))
      request.on('end', () => {
        this.asked.push(request.url ?? '')
        const isAllowed = request.headers.authorization === `Basic ${Buffer.from('madrigal:hush').toString('base64')}`
        const body = this.#answer(request.url ?? '', new URLSearchParams(form), isAllowed)
        response.writeHead(this.fault?.status ?? (body === undefined ? 401 : 200), {
          'content-type': 'application/json',
        })
        response.end(this.fault?.body ?? JSON.stringify(body ?? {}))
      })
    })
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/realm`
  }

  /** Signs with another key from now on; the others are not told of any more. */
  async newKey(): Promise<void> {
    const { publicKey, privateKey } = await generateKeyPair('ES256', { extractable: true })
    const id = `key-${this.#keys.length + 1}`
    this.#keys = [...this.#keys, { id, secret: privateKey, open: await exportJWK(publicKey) }]
  }

  /** A token that is good for Juliet, but for what is said. */
  async token(
    claims: Record<string, unknown> = {},
    { typ = 'at+jwt', key }: { typ?: string; key?: CryptoKey } = {},
  ): Promise<string> {
    const current = this.#keys.at(-1)
    if (current === undefined) throw new Error('there is no key')
    const now = Math.floor(Date.now() / 1000)
    const all = {
      iss: this.url,
      aud: 'chat',
      preferred_username: 'juliet',
      scope: 'openid xmpp',
      exp: now + 300,
      ...claims,
    }
    return new SignJWT(all).setProtectedHeader({ alg: 'ES256', typ, kid: current.id }).sign(key ?? current.secret)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #answer(path: string, form: URLSearchParams, isAllowed: boolean): unknown {
    const { url } = this
    const current = this.#keys.at(-1)
    if (path === '/realm/.well-known/openid-configuration')
      return { issuer: this.alias ?? url, jwks_uri: `${url}/keys`, introspection_endpoint: `${url}/introspect` }
    if (path === '/realm/keys') return { keys: [{ ...current?.open, kid: current?.id, alg: 'ES256', use: 'sig' }] }
    if (path === '/realm/introspect' && isAllowed) return this.opaque.get(form.get('token') ?? '') ?? { active: false }
    return undefined
  }
}
