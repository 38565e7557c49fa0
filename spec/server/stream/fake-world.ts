/** A wire that a spec is at the other end of, and surroundings in which a stream has nothing else to do. */
import { Jid } from '../../../server/jid/jid.ts'
import type { Log, LogFields } from '../../../server/log/log.ts'
import { clientDialect } from '../../../server/stream/dialect.ts'
import { Stream, type StreamHost, type StreamLimits, type StreamUser } from '../../../server/stream/stream.ts'
import { nobody, type Transport, type TransportListener } from '../../../server/stream/transport.ts'
import type { Maybe } from '../../../server/util/maybe.ts'
import { type Element, xml } from '../../../server/xml/element.ts'
import { clientLimits, strangerLimits } from '../../../server/xml/limits.ts'
import type { Stanza } from '../../../server/xml/stanza.ts'
import { FakeClock } from '../../support/fake-clock.ts'

export class FakeTransport implements Transport {
  readonly kind: 'tcp' | 'websocket'
  readonly address = '192.0.2.1'
  local = false
  readonly forwarded = false
  encrypted = false
  readonly secure = undefined
  readonly canStartTls = true
  backlog = 0
  listener: TransportListener = nobody
  written = ''
  isPaused = false
  isEnded = false
  isDestroyed = false
  tls = Promise.withResolvers<void>()

  constructor(kind: 'tcp' | 'websocket' = 'tcp') {
    this.kind = kind
  }

  write(text: string): void {
    this.written += text
  }

  pause(): void {
    this.isPaused = true
  }

  resume(): void {
    this.isPaused = false
  }

  end(): void {
    this.isEnded = true
  }

  destroy(): void {
    this.isDestroyed = true
  }

  startTls(): Promise<void> {
    return this.tls.promise
  }

  /** What was written since it was last asked. */
  take(): string {
    const { written } = this
    this.written = ''
    return written
  }

  receive(text: string): void {
    if (this.kind === 'tcp') this.listener.onBytes(Buffer.from(text))
    else this.listener.onFrame(text)
  }

  gone(): void {
    this.listener.onWireClosed()
  }
}

/** Knows `<ask/>`, and does with it what the spec wants. */
export class FakeHost implements StreamHost {
  readonly domain: string
  readonly closedStreams: Stream[] = []
  readonly early: Stanza[] = []
  onAsk: (stream: Stream, element: Element) => Maybe<void> = () => {}

  constructor(domain: string) {
    this.domain = domain
  }

  features(): readonly Element[] {
    return [xml('ask', { xmlns: 'urn:ask' })]
  }

  nonza(stream: Stream, element: Element): { readonly done: Maybe<void> } | undefined {
    return element.name === 'ask' ? { done: this.onAsk(stream, element) } : undefined
  }

  earlyStanza(_: Stream, stanza: Stanza): void {
    this.early.push(stanza)
  }

  closed(stream: Stream): void {
    this.closedStreams.push(stream)
  }
}

export class FakeUser implements StreamUser {
  readonly received: Stanza[] = []

  receive(stanza: Stanza): void {
    this.received.push(stanza)
  }
}

export const LIMITS: StreamLimits = {
  beforeLogin: strangerLimits,
  afterLogin: clientLimits,
  loginSeconds: 30,
  closeSeconds: 5,
  backlogBytes: 100_000,
  bytes: undefined,
}

export interface World {
  readonly clock: FakeClock
  readonly transport: FakeTransport
  readonly stream: Stream
  readonly host: FakeHost
  readonly otherHost: FakeHost
  readonly ended: Stream[]
  readonly errors: { readonly phrase: string; readonly fields: LogFields | undefined }[]
  /** Sends a header for `verona.example` and takes what comes back. */
  readonly open: () => string
}

export function makeWorld({ kind = 'tcp', limits = {} }: WorldOptions = {}): World {
  const clock = new FakeClock()
  const transport = new FakeTransport(kind)
  const host = new FakeHost('verona.example')
  const otherHost = new FakeHost('mantua.example')
  const ended: Stream[] = []
  const errors: World['errors'] = []
  const around = {
    host: (domain: string) => [host, otherHost].find((one) => one.domain === domain),
    ownDomain: () => 'verona.example',
    clock,
    log: logOf(errors),
    streamId: () => 'id1',
    mustEncrypt: () => true,
    limits: { ...LIMITS, ...limits },
    dialect: clientDialect,
  }
  const stream = new Stream(transport, around, (one) => ended.push(one))
  const open = (): string => {
    transport.take()
    transport.receive(kind === 'tcp' ? HEADER : OPEN)
    return transport.take()
  }
  return { clock, transport, stream, host, otherHost, ended, errors, open }
}

interface WorldOptions {
  readonly kind?: 'tcp' | 'websocket'
  readonly limits?: Partial<StreamLimits>
}

export const HEADER =
  `<?xml version='1.0'?><stream:stream xmlns='jabber:client' ` +
  `xmlns:stream='http://etherx.jabber.org/streams' to='verona.example' version='1.0'>`
const OPEN = `<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='verona.example' version='1.0'/>`

export const ROMEO = Jid.parse('romeo@verona.example')

function logOf(errors: World['errors']): Log {
  const log: Log = {
    debug() {},
    info() {},
    warn() {},
    error: (phrase, fields) => void errors.push({ phrase, fields }),
    child: () => log,
  }
  return log
}
