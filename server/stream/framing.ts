/** How a stream opens, closes and carries elements: RFC 6120 over TCP, RFC 7395 over WebSocket, XEP-0114. */
import { type Element, xml } from '../xml/element.ts'
import { escapeAttribute } from '../xml/escape.ts'
import { NS } from '../xml/ns.ts'
import type { Stanza } from '../xml/stanza.ts'

/** The attributes of a stream header that we send. */
export interface StreamHeader {
  readonly from: string | undefined
  readonly to: string | undefined
  readonly id: string
  readonly lang: string
}

export interface Framing {
  open(header: StreamHeader): string
  close(): string
  stanza(stanza: Stanza): string
  /** Any other child of the stream. */
  nonza(element: Element): string
  /** `<stream:features/>` or `<stream:error/>`. */
  streamElement(name: 'features' | 'error', children: readonly Element[]): string
}

const attribute = (name: string, value: string | undefined): string =>
  value === undefined ? '' : ` ${name}='${escapeAttribute(value)}'`

const attributesOf = ({ from, to, id, lang }: StreamHeader): string =>
  `${attribute('id', id)}${attribute('from', from)}${attribute('to', to)} version='1.0' xml:lang='${escapeAttribute(lang)}'`

/** Elements follow each other inside one long `<stream:stream>` (RFC 6120 §4). */
export const tcpFraming: Framing = {
  open: (header) =>
    `<?xml version='1.0'?><stream:stream xmlns='${NS.client}' xmlns:stream='${NS.stream}'${attributesOf(header)}>`,
  close: () => '</stream:stream>',
  stanza: (stanza) => stanza.toString(),
  nonza: (element) => element.toString(),
  streamElement: (name, children) => `<stream:${name}>${children.join('')}</stream:${name}>`,
}

/** The same, without a version (XEP-0114 §3): with one, programs would wait for features. */
export const componentFraming: Framing = {
  ...tcpFraming,
  open: ({ from, id }) =>
    `<?xml version='1.0'?><stream:stream xmlns='${NS.component}' xmlns:stream='${NS.stream}'${attribute('from', from)}${attribute('id', id)}>`,
}

/** Each element is a frame and declares its own namespaces (RFC 7395 §3.3). */
export const webSocketFraming: Framing = {
  open: (header) => `<open xmlns='${NS.framing}'${attributesOf(header)}/>`,
  close: () => xml('close', { xmlns: NS.framing }).toString(),
  stanza: (stanza) => `<${stanza.name} xmlns='${NS.client}'${stanza.toString().slice(1 + stanza.name.length)}`,
  nonza: (element) => element.toString(),
  streamElement: (name, children) =>
    `<stream:${name} xmlns:stream='${NS.stream}'>${children.join('')}</stream:${name}>`,
}

/** Elements are gathered in wrappers around each, and the stream itself begins and ends in their attributes (XEP-0206 §2). */
export const boshFraming: Framing = { ...webSocketFraming, open: () => '', close: () => '' }
