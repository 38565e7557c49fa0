/** One http server behind any number of listeners, shared by all who serve a path. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Log } from '../log/log.ts'
import type { Maybe } from '../util/maybe.ts'

/** Answers requests for its path; `path` is what follows it. */
export type HttpHandler = (request: IncomingMessage, response: ServerResponse, path: string) => Maybe<void>
/** Takes over a connection that asks for another protocol on its path. */
export type UpgradeHandler = (request: IncomingMessage, socket: Duplex, head: Buffer) => void

/** How long a client may take; whoever is slower is answered with 408 and let go. */
export interface HttpLimits {
  readonly headerSeconds: number
  /** The header included. */
  readonly requestSeconds: number
  /** How often we look who takes too long. */
  readonly lookSeconds: number
}

const LIMITS: HttpLimits = { headerSeconds: 10, requestSeconds: 30, lookSeconds: 2 }
const HEADER_BYTES = 16_384
const HEADERS = 100

export class HttpServer {
  readonly #server: Server
  readonly #routes = new Map<string, HttpHandler>()
  readonly #upgrades = new Map<string, UpgradeHandler>()
  readonly #log: Log

  constructor(log: Log, { headerSeconds, requestSeconds, lookSeconds }: HttpLimits = LIMITS) {
    this.#log = log
    this.#server = createServer(
      {
        headersTimeout: headerSeconds * 1000,
        requestTimeout: requestSeconds * 1000,
        connectionsCheckingInterval: lookSeconds * 1000,
        maxHeaderSize: HEADER_BYTES,
      },
      (request, response) => void this.#answer(request, response),
    )
    this.#server.maxHeadersCount = HEADERS
    // It never listens, since sockets are given to it; but only one that does keeps to its time limits.
    this.#server.emit('listening')
    this.#server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket, head))
  }

  /** Serves a connection somebody has accepted, plain or after TLS. */
  take(socket: Socket): void {
    this.#server.emit('connection', socket)
  }

  /** Serves `path` and all below it, unless somebody serves a longer one. */
  route(path: string, handler: HttpHandler): Disposable {
    return tie(this.#routes, path, handler)
  }

  upgrade(path: string, handler: UpgradeHandler): Disposable {
    return tie(this.#upgrades, path, handler)
  }

  close(): void {
    this.#server.closeAllConnections()
    this.#server.close()
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = pathOf(request)
    const found = longest(this.#routes, path)
    if (found === undefined) {
      respond(response, this.#upgrades.has(path) ? 426 : 404)
      return
    }
    try {
      await found.handler(request, response, path.slice(found.prefix.length))
    } catch (error) {
      this.#log.error('http handler failed', { path: found.prefix, error })
      if (!response.headersSent) respond(response, 500)
      else response.destroy()
    }
  }

  #upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // From here on nobody else listens to that. What breaks closes as well.
    socket.on('error', () => {})
    const handler = this.#upgrades.get(pathOf(request))
    if (handler !== undefined) handler(request, socket, head)
    else socket.end('HTTP/1.1 404 Not Found\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
  }
}

function respond(response: ServerResponse, status: number): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' })
  response.end(`${status}\n`)
}

function pathOf({ url = '/' }: IncomingMessage): string {
  const end = url.indexOf('?')
  return end === -1 ? url : url.slice(0, end)
}

function longest(
  routes: ReadonlyMap<string, HttpHandler>,
  path: string,
): { readonly prefix: string; readonly handler: HttpHandler } | undefined {
  let best: string | undefined
  for (const prefix of routes.keys()) {
    const below = path === prefix || path.startsWith(prefix.endsWith('/') ? prefix : `${prefix}/`)
    if (below && prefix.length >= (best?.length ?? 0)) best = prefix
  }
  const handler = best === undefined ? undefined : routes.get(best)
  return best === undefined || handler === undefined ? undefined : { prefix: best, handler }
}

function tie<V>(table: Map<string, V>, path: string, value: V): Disposable {
  if (table.has(path)) throw new Error(`two modules serve ${path}`)
  table.set(path, value)
  return { [Symbol.dispose]: () => void table.delete(path) }
}
