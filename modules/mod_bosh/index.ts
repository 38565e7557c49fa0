/** XEP-0206, XEP-0124: XMPP over BOSH, for web clients behind whatever lets no WebSocket through. */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { t } from '../../server/config/types.ts'
import { webOptions } from '../../server/config/web-options.ts'
import { defineServerModule } from '../../server/host/module.ts'
import { Networks } from '../../server/net/address.ts'
import { readBody } from '../../server/net/http-body.ts'
import { isWelcome, peerOf } from '../../server/net/web-peer.ts'
import { clientLimits } from '../../server/xml/limits.ts'
import { Exchange } from './exchange.ts'
import { BoshSession, type Terms } from './session.ts'
import { type BoshRequest, readRequest, terminated } from './wrapper.ts'

export default defineServerModule({
  name: 'bosh',
  about: 'lets web clients connect that cannot use WebSocket',
  xeps: { 124: '1.11.2', 206: '1.4' },
  byDefault: true,
  config: {
    path: t.string().default('/http-bind').describe('Where web clients find it.'),
    ...webOptions,
    max_wait: t
      .duration({ min: 1 })
      .default(120)
      .describe('The longest time for which a request waits for something to say.'),
    max_inactivity: t
      .duration({ min: 5 })
      .default(60)
      .describe('A client that has sent no request for so long is gone.'),
    max_polling: t.duration({ min: 1 }).default(5).describe('Clients that poll do not do so more often.'),
    max_pause: t.duration({ min: 5 }).default(300).describe('The longest time that a client may ask to be silent.'),
    body_size: t
      .size({ min: 10_000 })
      .default(400_000)
      .describe('The largest body of a request; it should be above `c2s.stanza_size`, which is what clients are told.'),
  },

  setup(server, { config }) {
    const proxies = new Networks(config.trusted_proxies)
    const sessions = new Map<string, BoshSession>()
    const limits = { ...clientLimits, stanzaBytes: config.body_size, depth: clientLimits.depth + 1 }
    server.defer(() => {
      for (const session of sessions.values()) session.destroy()
    })

    server.provide('web-endpoint', { rel: 'urn:xmpp:alt-connections:xbosh', scheme: 'https', path: config.path })
    server.route(config.path, async (request, response, rest) => {
      if (rest !== '' && rest !== '/') {
        respond(response, 404, {})
        return
      }
      const headers = crossOrigin(request, config.origins)
      const answer = answers[request.method ?? '']
      if (answer !== undefined) respond(response, answer.status, { ...headers, ...answer.headers }, answer.text)
      else if (request.method !== 'POST') respond(response, 405, { ...headers, allow: ALLOWED })
      else if (!isWelcome(request, config.origins)) respond(response, 403, {})
      else await take(request, response, headers)
    })

    async function take(request: IncomingMessage, response: ServerResponse, headers: Headers): Promise<void> {
      const bytes = await readBody(request, config.body_size)
      if (bytes === 'too large') {
        respond(response, 413, { ...headers, connection: 'close' })
        return
      }
      const read = readRequest(bytes, limits)
      const { sid } = read?.attrs ?? {}
      const peer = peerOf(request, proxies)
      const session = sid === undefined ? undefined : sessions.get(sid)
      const exchange = new Exchange(response, headers, () => session?.left())
      if (read === undefined) exchange.answer(terminated('bad-request'))
      else if (sid === undefined) begin(read, response, headers, peer)
      // Nobody goes on in the clear with what began encrypted.
      else if (session === undefined || (session.encrypted && !peer.encrypted)) {
        exchange.answer(terminated('item-not-found'))
      } else session.take(read, exchange)
    }

    function begin(
      request: BoshRequest,
      response: ServerResponse,
      headers: Headers,
      peer: ReturnType<typeof peerOf>,
    ): void {
      const sid = server.random.id()
      const session = new BoshSession(sid, request, peer, termsOf(request), {
        clock: server.clock,
        turn: server.turn,
        ended: () => sessions.delete(sid),
      })
      sessions.set(sid, session)
      server.accept(session)
      session.begin(request, new Exchange(response, headers, () => session.left()))
    }

    /** What the client wants, as far as it may have that (§7). */
    function termsOf({ attrs }: BoshRequest): Terms {
      const wait = Math.min(countOf(attrs['wait'], config.max_wait), config.max_wait)
      const hold = wait === 0 ? 0 : Math.min(countOf(attrs['hold'], 1), MOST_HELD)
      const { max_polling: polling, max_inactivity: inactivity } = config
      return {
        wait,
        hold,
        polling,
        // Whoever polls is always silent for a while (§12).
        inactivity: hold === 0 ? inactivity + polling : inactivity,
        maxPause: config.max_pause,
        mostBytes: 4 * config.body_size,
      }
    }
  },
})

type Headers = Readonly<Record<string, string>>

/** More would be of no use to anybody: whoever waits is answered as soon as there is something to say. */
const MOST_HELD = 1

const ALLOWED = 'OPTIONS, GET, POST'

/** What is not for the sake of BOSH. */
const answers: Readonly<Record<string, { status: number; headers: Headers; text?: string } | undefined>> = {
  // The Fetch standard, §3.2.2.
  OPTIONS: {
    status: 204,
    headers: {
      'access-control-allow-methods': ALLOWED,
      'access-control-allow-headers': 'content-type',
      'access-control-max-age': '7200',
    },
  },
  GET: { status: 200, headers: {}, text: 'XMPP clients connect here with BOSH (XEP-0206).\n' },
}

function crossOrigin({ headers: { origin } }: IncomingMessage, origins: readonly string[]): Headers {
  if (origins.length === 0) return { 'access-control-allow-origin': '*' }
  if (origin === undefined || !origins.includes(origin)) return { vary: 'origin' }
  return { 'access-control-allow-origin': origin, vary: 'origin' }
}

function respond(response: ServerResponse, status: number, headers: Headers, text = ''): void {
  response.writeHead(status, { ...headers, 'content-type': 'text/plain; charset=utf-8' })
  response.end(text)
}

function countOf(text: string | undefined, otherwise: number): number {
  return text !== undefined && /^\d{1,9}$/.test(text) ? Number(text) : otherwise
}
