/** What sets the streams of one kind of peer apart: those of clients (RFC 6120), those of components (XEP-0114). */
import { NS } from '../xml/ns.ts'
import { boshFraming, componentFraming, type Framing, tcpFraming, webSocketFraming } from './framing.ts'
import type { Transport } from './transport.ts'

export interface Dialect {
  /** The namespace of stanzas. */
  readonly ns: string
  /** Whether streams have versions and features (RFC 6120 §4.7.5). */
  readonly hasFeatures: boolean
  framing(kind: Transport['kind']): Framing
}

const clientFramings: Readonly<Record<Transport['kind'], Framing>> = {
  tcp: tcpFraming,
  websocket: webSocketFraming,
  bosh: boshFraming,
}

export const clientDialect: Dialect = {
  ns: NS.client,
  hasFeatures: true,
  framing: (kind) => clientFramings[kind],
}

export const componentDialect: Dialect = {
  ns: NS.component,
  hasFeatures: false,
  framing: () => componentFraming,
}
