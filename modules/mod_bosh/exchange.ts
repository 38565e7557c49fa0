/** One request over HTTP that waits for its response. */
import type { ServerResponse } from 'node:http'

export class Exchange {
  readonly #response: ServerResponse
  readonly #headers: Readonly<Record<string, string>>
  #isGone = false

  /** `left` is called if the client breaks the connection before it has its response. */
  constructor(response: ServerResponse, headers: Readonly<Record<string, string>>, left: () => void) {
    this.#response = response
    this.#headers = headers
    response.once('close', () => {
      if (response.writableEnded) return
      this.#isGone = true
      left()
    })
  }

  /** True if nobody is there who could get a response. */
  get isGone(): boolean {
    return this.#isGone
  }

  answer(body: string): void {
    if (this.#isGone || this.#response.writableEnded) return
    this.#response.writeHead(200, {
      'content-type': 'text/xml; charset=utf-8',
      'content-length': Buffer.byteLength(body),
      ...this.#headers,
    })
    this.#response.end(body)
  }
}
