/** XEP-0156: Discovering Alternative XMPP Connection Methods. Tells web clients where to connect (RFC 6415). */
import type { IncomingMessage, ServerResponse } from 'node:http'
import { domainToUnicode } from 'node:url'
import { t } from '../server/config/types.ts'
import { defineServerModule } from '../server/host/module.ts'
import type { WebEndpoint } from '../server/host/provisions.ts'
import { xml } from '../server/xml/element.ts'

const PATH = '/.well-known/host-meta'
const NS_XRD = 'http://docs.oasis-open.org/ns/xri/xrd-1.0'
const METHODS = 'GET, HEAD, OPTIONS'

interface Link {
  readonly rel: string
  readonly href: string
}

/** As they are written (RFC 6415 §3 and appendix A). */
const formats = [
  {
    path: PATH,
    type: 'application/xrd+xml; charset=utf-8',
    write: (links: readonly Link[]) =>
      `<?xml version='1.0' encoding='utf-8'?>\n${xml('XRD', { xmlns: NS_XRD }, ...links.map((link) => xml('Link', { ...link }))).toString()}\n`,
  },
  {
    path: `${PATH}.json`,
    type: 'application/json',
    write: (links: readonly Link[]) => `${JSON.stringify({ links })}\n`,
  },
]

export default defineServerModule({
  name: 'host_meta',
  about: 'tells web clients where to connect',
  xeps: { 156: '1.4.0' },
  rfcs: [6415],
  byDefault: true,
  config: {
    url: t
      .url()
      .refine((url) => url.startsWith('https:'), { error: 'expected a URL that begins with https:' })
      .optional()
      .describe(
        'How the port for http is reached from outside, such as https://chat.verona.example; if not set, by the name of a host, as whoever asks has done.',
      ),
  },

  setup(server, { config }) {
    for (const { path, type, write } of formats) {
      server.route(path, ({ method, headers: { host } }, response, below) => {
        const base = below === '' ? (config.url ?? baseOf(host)) : undefined
        if (base === undefined) respond(response, 404)
        else if (method === 'OPTIONS') respond(response, 204, { 'access-control-allow-methods': METHODS })
        else if (method !== 'GET' && method !== 'HEAD') respond(response, 405, { allow: METHODS })
        else respond(response, 200, { 'content-type': type }, write(linksAt(base)))
      })
    }

    /** Only by a name that is ours: else a proxy that has its own would be told to everybody. */
    function baseOf(host: IncomingMessage['headers']['host']): string | undefined {
      if (host === undefined || /[^\w.:-]/.test(host) || !URL.canParse(`https://${host}`)) return undefined
      const { hostname, origin } = new URL(`https://${host}`)
      return [...server.domains].includes(domainToUnicode(hostname)) ? origin : undefined
    }

    function linksAt(base: string): readonly Link[] {
      const { host, pathname } = new URL(base)
      const below = pathname.replace(/\/$/, '')
      // Encrypted, however they were asked for (§2.2): the port speaks TLS to those who want it.
      return Array.from(server.items('web-endpoint'), ({ rel, scheme, path }: WebEndpoint) => ({
        rel,
        href: `${scheme}://${host}${below}${path}`,
      }))
    }
  },
})

/** Pages of any site may read it (§3). */
function respond(response: ServerResponse, status: number, headers: Readonly<Record<string, string>> = {}, text = '') {
  response.writeHead(status, { 'access-control-allow-origin': '*', ...headers })
  response.end(text)
}
