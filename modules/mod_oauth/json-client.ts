/** Asks other servers for JSON: with little patience, and never for much. */
import type { Clock } from '../../server/util/clock.ts'

export interface JsonRequest {
  /** Sent as a form (POST) if there is one. */
  readonly form?: Readonly<Record<string, string>>
  readonly authorization?: string
}

const PATIENCE_MILLISECONDS = 5000
const MOST_BYTES = 262_144

export class JsonClient {
  readonly #fetch: typeof fetch
  readonly #clock: Clock

  constructor(fetcher: typeof fetch, clock: Clock) {
    this.#fetch = fetcher
    this.#clock = clock
  }

  /** Rejects if there is no good answer in time. */
  async ask(url: string, { form, authorization }: JsonRequest = {}): Promise<unknown> {
    const { hostname, protocol } = new URL(url)
    // Else whoever is in between could say whatever he likes (OpenID Connect Discovery §7.1).
    if (protocol !== 'https:' && !LOOPBACK.test(hostname)) throw new Error(`${url} is not https`)
    const aborter = new AbortController()
    using _ = this.#clock.after(PATIENCE_MILLISECONDS, () => aborter.abort(new Error(`${url} does not answer`)))
    const response = await this.#fetch(url, {
      method: form === undefined ? 'GET' : 'POST',
      headers: { accept: 'application/json', ...(authorization !== undefined && { authorization }) },
      ...(form !== undefined && { body: new URLSearchParams(form) }),
      redirect: 'error',
      signal: aborter.signal,
    })
    const text = await readText(response)
    if (!response.ok) throw new Error(`${url} answers ${response.status}`)
    return JSON.parse(text) as unknown
  }
}

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/

async function readText({ body, url }: Response): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  if (body === null) return ''
  // The types of fetch do not say that its bodies are bytes.
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    bytes += chunk.length
    if (bytes > MOST_BYTES) throw new Error(`${url} answers too much`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
