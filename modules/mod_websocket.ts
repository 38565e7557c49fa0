/** RFC 7395: XMPP over WebSocket. */
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import { WebSocketServer } from 'ws'
import { t } from '../server/config/types.ts'
import { defineServerModule } from '../server/host/module.ts'
import { isLoopback } from '../server/net/address.ts'
import { channelOf } from '../server/stream/tls.ts'
import { WebSocketTransport } from '../server/stream/ws-transport.ts'

/** A frame holds one stanza; the scanner's own limits are lower before login. */
const FRAME_BYTES = 262_144

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
  },

  setup(server, { config }) {
    const webSockets = new WebSocketServer({
      noServer: true,
      maxPayload: FRAME_BYTES,
      perMessageDeflate: false,
      handleProtocols: (protocols) => (protocols.has('xmpp') ? 'xmpp' : false),
    })
    server.defer(() => webSockets.close())

    server.upgrade(config.path, (request, wire, head) => {
      const { origin } = request.headers
      if (config.origins.length > 0 && origin !== undefined && !config.origins.includes(origin)) {
        wire.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
        return
      }
      webSockets.handleUpgrade(request, wire, head, (socket) => {
        // The client must have asked for the subprotocol (RFC 7395 §3.1); 1002 is "protocol error".
        if (socket.protocol !== 'xmpp') socket.close(1002, 'The subprotocol xmpp is needed')
        else server.accept(new WebSocketTransport(socket, wire, peerOf(request), server.turn))
      })
    })
  },
})

function peerOf({ socket }: IncomingMessage) {
  const { remoteAddress: address }: Socket = socket
  return {
    address: address ?? '',
    local: address === undefined || isLoopback(address),
    secure: socket instanceof TLSSocket ? channelOf(socket) : undefined,
  }
}
