/** RFC 7395: XMPP over WebSocket. */
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { t } from '../server/config/types.ts'
import { webOptions } from '../server/config/web-options.ts'
import { defineServerModule } from '../server/host/module.ts'
import { Networks } from '../server/net/address.ts'
import { isWelcome, peerOf } from '../server/net/web-peer.ts'
import { WebSocketTransport } from '../server/stream/ws-transport.ts'
import type { Maybe } from '../server/util/maybe.ts'
import { inSlices } from '../server/util/slices.ts'

const SUBPROTOCOL = 'xmpp'

export default defineServerModule({
  name: 'websocket',
  about: 'lets web clients connect',
  rfcs: [7395],
  byDefault: true,
  config: {
    path: t.string().default('/xmpp-websocket').describe('Where web clients find it.'),
    ...webOptions,
    ping_every: t
      .duration({ min: 1 })
      .default(45)
      .describe(
        'How often clients are pinged, so that no proxy takes them for gone; one that does not answer is let go.',
      ),
    frame_size: t
      .size({ min: 10_000 })
      .default(300_000)
      .describe(
        'The largest frame a client may send; it should be above `c2s.stanza_size`, which is what clients are told.',
      ),
  },

  setup(server, { config }) {
    const proxies = new Networks(config.trusted_proxies)
    const webSockets = new WebSocketServer({
      noServer: true,
      maxPayload: config.frame_size,
      // Compression of secrets beside what others have written tells the secrets (RFC 7457 §2.6), and costs memory.
      perMessageDeflate: false,
      handleProtocols: () => SUBPROTOCOL,
    })
    server.defer(() => webSockets.close())
    server.provide('web-endpoint', { rel: 'urn:xmpp:alt-connections:websocket', scheme: 'wss', path: config.path })

    server.upgrade(config.path, (request, wire, head) => {
      if (!isWelcome(request, config.origins)) {
        refuse(wire, '403 Forbidden')
        return
      }
      // RFC 7395 §3.1.
      if (!protocolsOf(request).includes(SUBPROTOCOL)) {
        refuse(wire, '400 Bad Request')
        return
      }
      webSockets.handleUpgrade(request, wire, head, (socket) => {
        watched.set(socket, { wire: request.socket, bytes: -1 })
        server.accept(new WebSocketTransport(socket, wire, peerOf(request, proxies), server.turn))
      })
    })

    /** What each had sent when it was last pinged. */
    const watched = new WeakMap<WebSocket, { readonly wire: Socket; bytes: number }>()
    if (config.ping_every !== Infinity) {
      const pingAll = (): Maybe<void> => inSlices(webSockets.clients, ping)
      server.use(server.clock.every(config.ping_every * 1000, () => server.spawn('ping web clients', pingAll)))
    }

    function ping(socket: WebSocket): void {
      const watch = watched.get(socket)
      // An answer may be there where we do not read.
      if (watch === undefined || socket.isPaused || socket.readyState !== socket.OPEN) return
      if (watch.bytes === watch.wire.bytesRead) {
        socket.terminate()
        return
      }
      watch.bytes = watch.wire.bytesRead
      socket.ping()
    }
  },
})

function refuse(wire: Duplex, status: string): void {
  wire.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}

function protocolsOf({ headers }: IncomingMessage): readonly string[] {
  return (headers['sec-websocket-protocol'] ?? '').split(',').map((protocol) => protocol.trim())
}
