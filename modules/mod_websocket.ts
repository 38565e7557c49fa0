/** RFC 7395: XMPP over WebSocket. */
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { TLSSocket } from 'node:tls'
import { type WebSocket, WebSocketServer } from 'ws'
import { t } from '../server/config/types.ts'
import { defineServerModule } from '../server/host/module.ts'
import { addressOf, isLoopback, Networks, normalAddress } from '../server/net/address.ts'
import { TlsChannel } from '../server/stream/tls.ts'
import { type WebSocketPeer, WebSocketTransport } from '../server/stream/ws-transport.ts'

const SUBPROTOCOL = 'xmpp'

export default defineServerModule({
  name: 'websocket',
  about: 'lets web clients connect',
  rfcs: [7395],
  byDefault: true,
  config: {
    path: t.string().default('/xmpp-websocket').describe('Where web clients find it.'),
    origins: t
      .list(t.string())
      .default([])
      .describe('Web sites whose pages may connect, such as https://chat.example.org; none means all.'),
    trusted_proxies: t
      .list(t.network())
      .default(['127.0.0.0/8', '::1'])
      .describe(
        'Proxies that are believed who a client is (X-Forwarded-For) and whether it uses TLS (X-Forwarded-Proto).',
      ),
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

    server.upgrade(config.path, (request, wire, head) => {
      const { origin } = request.headers
      if (config.origins.length > 0 && origin !== undefined && !config.origins.includes(origin)) {
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
    if (config.ping_every !== Infinity) server.use(server.clock.every(config.ping_every * 1000, pingAll))

    function pingAll(): void {
      for (const socket of webSockets.clients) {
        const watch = watched.get(socket)
        // An answer may be there where we do not read.
        if (watch === undefined || socket.isPaused || socket.readyState !== socket.OPEN) continue
        if (watch.bytes === watch.wire.bytesRead) {
          socket.terminate()
          continue
        }
        watch.bytes = watch.wire.bytesRead
        socket.ping()
      }
    }
  },
})

function refuse(wire: Duplex, status: string): void {
  wire.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}

function protocolsOf({ headers }: IncomingMessage): readonly string[] {
  return (headers['sec-websocket-protocol'] ?? '').split(',').map((protocol) => protocol.trim())
}

/** Who a connection is from; or, if it is from a proxy that is believed, who that says it is from. */
function peerOf({ socket, headers }: IncomingMessage, proxies: Networks): WebSocketPeer {
  const address = addressOf(socket)
  const isProxy = address === '' || proxies.has(address)
  const client = isProxy ? lastForwarded(headers['x-forwarded-for'], proxies) : undefined
  if (client === undefined) {
    const secure = socket instanceof TLSSocket ? new TlsChannel(socket) : undefined
    const local = address === '' || isLoopback(address)
    return { address, local, forwarded: false, encrypted: secure !== undefined, secure }
  }
  const encrypted = headers['x-forwarded-proto'] === 'https' || headers['x-forwarded-proto'] === 'wss'
  // Nobody is exempt from anything because of what a header says.
  return { address: client, local: false, forwarded: true, encrypted, secure: undefined }
}

/** The address that the first of our proxies has seen: each adds its own at the end, and what is before may be made up. */
function lastForwarded(header: string | string[] | undefined, proxies: Networks): string | undefined {
  const chain = String(header ?? '').split(',')
  for (const written of chain.toReversed()) {
    const address = normalAddress(written.trim())
    if (address === undefined || !proxies.has(address)) return address
  }
  return undefined
}
