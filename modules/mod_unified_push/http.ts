/** What servers of apps see: a push resource (RFC 8030 §5) as UnifiedPush has it. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { LRUCache } from 'lru-cache'
import { readBody } from '../../server/net/http-body.ts'
import type { Clock } from '../../server/util/clock.ts'
import { TokenBucket } from '../../server/util/token-bucket.ts'
import type { Endpoint, Endpoints, Place } from './endpoints.ts'

/** The largest message (UnifiedPush, "Push server"). */
const MOST_BYTES = 4096
/** Endpoints of which we know how much they were used. */
const MOST_BUCKETS = 10_000
const RETRY_SECONDS = 60

/** What became of a message. */
export type Delivered = 'accepted' | 'revoked' | 'unavailable'

/** Hands a message to the client that has the app; never rejects. */
export type Deliver = (place: Place, endpoint: Endpoint, message: Buffer) => Promise<Delivered>

interface Answer {
  readonly status: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
}

const GONE: Answer = { status: 404 }
const LATER: Answer = { status: 503, headers: { 'retry-after': String(RETRY_SECONDS) } }

/** By what became of the message: nothing is stored for clients that are not there, so it lives no longer (RFC 8030 §5.2). */
const ANSWERS: Readonly<Record<Delivered, Answer>> = {
  accepted: { status: 201, headers: { ttl: '0' } },
  revoked: GONE,
  unavailable: LATER,
}

/** Whoever asks is told what this is, so that apps' servers do not send to anything else. */
const DISCOVERY: Answer = {
  status: 200,
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({ unifiedpush: { version: 1 } }),
}

export class PushResources {
  readonly #endpoints: Endpoints
  readonly #deliver: Deliver
  readonly #clock: Clock
  readonly #perMinute: number
  readonly #buckets = new LRUCache<string, TokenBucket>({ max: MOST_BUCKETS })

  constructor(endpoints: Endpoints, deliver: Deliver, clock: Clock, perMinute: number) {
    this.#endpoints = endpoints
    this.#deliver = deliver
    this.#clock = clock
    this.#perMinute = perMinute
  }

  /** `path` is a slash and the token. */
  async serve(request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
    const { status, headers, body = '' } = await this.#answer(request, path.slice(1))
    // What was not read must not be taken for the next request.
    const close = request.complete ? {} : { connection: 'close' }
    response.writeHead(status, { 'content-length': Buffer.byteLength(body), ...headers, ...close })
    response.end(request.method === 'HEAD' ? undefined : body)
  }

  async #answer(request: IncomingMessage, token: string): Promise<Answer> {
    const found = await this.#endpoints.find(token)
    if (found === undefined || found.endpoint.expiresAt <= this.#clock.now()) return GONE
    if (request.method === 'GET' || request.method === 'HEAD') return DISCOVERY
    if (request.method !== 'POST') return { status: 405, headers: { allow: 'GET, HEAD, POST' } }
    const wait = this.#bucket(token).tryTake(1, this.#clock.now()) ? 0 : RETRY_SECONDS
    if (wait > 0) return { status: 429, headers: { 'retry-after': String(wait) } }
    const message = await readBody(request, MOST_BYTES)
    if (message === 'too large') return { status: 413 }
    if (message.length === 0) return { status: 400 }
    return ANSWERS[await this.#deliver(found.place, found.endpoint, message)]
  }

  #bucket(token: string): TokenBucket {
    const known = this.#buckets.get(token)
    if (known !== undefined) return known
    const rate = { perSecond: this.#perMinute / 60, burst: this.#perMinute }
    const bucket = new TokenBucket(rate, this.#clock.now())
    this.#buckets.set(token, bucket)
    return bucket
  }
}
