/** XEP-0124 §6, XEP-0206 §2: the `<body/>` around everything that goes over HTTP. */
import { type Attributes, type Child, type Element, xml } from '../../server/xml/element.ts'
import type { ScannerLimits } from '../../server/xml/limits.ts'
import { NS } from '../../server/xml/ns.ts'
import { Scanner } from '../../server/xml/scanner.ts'

export const NS_HTTPBIND = 'http://jabber.org/protocol/httpbind'
export const NS_XBOSH = 'urn:xmpp:xbosh'

/** Why a session is over (XEP-0124 §17.2). */
export type Terminal =
  | 'bad-request'
  | 'host-gone'
  | 'item-not-found'
  | 'policy-violation'
  | 'remote-stream-error'
  | 'system-shutdown'

/** What a client sends with one request. */
export interface BoshRequest {
  readonly attrs: Attributes
  /** From 0 to 2^53 − 1 (XEP-0124 §14.1). */
  readonly rid: number
  /** `xmpp:version`: the version of the stream. */
  readonly version: string | undefined
  /** Whether the stream is to begin anew (XEP-0206 §5). */
  readonly restarts: boolean
  /** Elements for the stream, each as a frame. */
  readonly payloads: readonly string[]
  readonly bytes: number
}

const OPENED = xml('open', { xmlns: NS.framing }).toString()

/** Reads the body of a request; undefined if it is none. Payloads are checked again by the stream that they are for. */
export function readRequest(bytes: Buffer, limits: ScannerLimits): BoshRequest | undefined {
  const body = parseStrictly(bytes, limits)
  if (body?.name !== 'body' || body.ns !== NS_HTTPBIND) return undefined
  const { attrs, elements, children } = body
  const rid = Number(attrs['rid'])
  if (!/^\d+$/.test(attrs['rid'] ?? '') || !Number.isSafeInteger(rid)) return undefined
  if (children.some((child) => typeof child === 'string' && child.trim() !== '')) return undefined
  return {
    attrs,
    rid,
    version: inXbosh(attrs, 'version'),
    restarts: ['true', '1'].includes(inXbosh(attrs, 'restart') ?? ''),
    payloads: elements.map((element) => asStanza(element).toString()),
    bytes: bytes.length,
  }
}

/** The body of a response, around frames. */
export function writeResponse(attrs: Readonly<Record<string, string | undefined>>, frames: string): string {
  const stream = frames.includes('<stream:') ? NS.stream : undefined
  const empty = xml('body', { xmlns: NS_HTTPBIND, 'xmlns:stream': stream, ...attrs }).toString()
  return frames === '' ? empty : `${empty.slice(0, -2)}>${frames}</body>`
}

/** The last word of a session. */
export function terminated(condition?: Terminal, frames = ''): string {
  return writeResponse({ type: 'terminate', condition }, frames)
}

/** Undefined for what is no single element of well-formed XML as XMPP restricts it. */
function parseStrictly(bytes: Buffer, limits: ScannerLimits): Element | undefined {
  let found: Element | undefined
  const scanner = new Scanner(
    {
      onOpen: () => {},
      onStanza: () => {},
      onNonza: (element) => (found = element),
      onClose: () => {},
    },
    { framing: 'frame', limits },
  )
  try {
    scanner.writeText(OPENED)
    scanner.write(bytes)
  } catch {
    return undefined
  }
  return found
}

/** An attribute of XMPP over BOSH, under whatever prefix. */
function inXbosh(attrs: Attributes, name: string): string | undefined {
  const key = Object.keys(attrs).find((one) => {
    const [prefix = '', local] = one.split(':')
    return local === name && prefix !== 'xmlns' && attrs[`xmlns:${prefix}`] === NS_XBOSH
  })
  return key === undefined ? undefined : attrs[key]
}

/** Clients forget to say that a stanza is one: then it is in the namespace of the wrapper (XEP-0206 §2). */
function asStanza(element: Element): Element {
  if (element.ns !== NS_HTTPBIND) return element
  const { xmlns: _, ...attrs } = element.attrs
  const children = element.children.map((child): Child => (typeof child === 'string' ? child : asStanza(child)))
  return xml(element.name, { xmlns: NS.client, ...attrs }, ...children)
}
