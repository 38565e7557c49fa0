/** A session of BOSH (XEP-0124): requests over HTTP as one wire, in order and without loss. */
import type { WebPeer } from '../../server/net/web-peer.ts'
import { nobody, type Transport, type TransportListener } from '../../server/stream/transport.ts'
import type { Clock } from '../../server/util/clock.ts'
import type { Flushable, Turn } from '../../server/util/turn.ts'
import { xml } from '../../server/xml/element.ts'
import { NS } from '../../server/xml/ns.ts'
import type { Exchange } from './exchange.ts'
import { type BoshRequest, NS_XBOSH, type Terminal, terminated, writeResponse } from './wrapper.ts'

/** What client and server have agreed on (§7). Times are in seconds. */
export interface Terms {
  /** How long a request may wait for something to say. */
  readonly wait: number
  /** How many requests may wait; 0 means that the client polls. */
  readonly hold: number
  /** How long there may be no request at all. */
  readonly inactivity: number
  /** A client that polls does not do so more often. */
  readonly polling: number
  readonly maxPause: number
  /** Bytes that may be there before the stream wants them. */
  readonly mostBytes: number
}

export interface BoshGiven {
  readonly clock: Clock
  readonly turn: Turn
  /** Called once, when nothing is left of the session. */
  readonly ended: () => void
}

/** A request whose payload was taken, and that waits for its response. */
interface Held {
  readonly rid: number
  exchange: Exchange
  timer: Disposable
}

interface Arrived {
  readonly request: BoshRequest
  readonly exchange: Exchange
}

export class BoshSession implements Transport, Flushable {
  readonly kind = 'bosh'
  readonly address: string
  readonly local: boolean
  /** Many sessions may share a connection: they are counted, not it. */
  readonly forwarded: boolean
  readonly encrypted: boolean
  // Requests come over any number of connections, so that there is nothing to bind a login to.
  readonly secure = undefined
  readonly canStartTls = false
  listener: TransportListener = nobody
  readonly sid: string
  readonly #terms: Terms
  readonly #given: BoshGiven
  /** The latest request whose payload was taken. */
  #last: number
  /** Requests that came before those that they follow. */
  readonly #early = new Map<number, Arrived>()
  readonly #held: Held[] = []
  /** The latest responses, for those who ask again. */
  readonly #answered = new Map<number, string>()
  /** Of the first response. */
  #opening: Readonly<Record<string, string | undefined>> | undefined
  readonly #usesAcks: boolean
  #frames: string[] = []
  #waiting = 0
  #unread: string[] = []
  #unreadChars = 0
  #isPaused = false
  #isOver = false
  #farewell = terminated('item-not-found')
  #idle: Disposable | undefined
  #polledAt = -Infinity

  /** A session that the first request asks for; it is begun with `begin`, once somebody listens. */
  constructor(sid: string, request: BoshRequest, peer: WebPeer, terms: Terms, given: BoshGiven) {
    this.sid = sid
    this.address = peer.address
    this.local = peer.local
    this.forwarded = !peer.local
    this.encrypted = peer.encrypted
    this.#terms = terms
    this.#given = given
    this.#last = request.rid - 1
    this.#usesAcks = request.attrs['ack'] === '1'
    this.#opening = {
      sid,
      wait: String(terms.wait),
      hold: String(terms.hold),
      requests: String(this.#window),
      inactivity: String(terms.inactivity),
      polling: String(terms.polling),
      maxpause: String(terms.maxPause),
      ver: '1.6',
      from: request.attrs['to'],
      ack: this.#usesAcks ? String(request.rid) : undefined,
      'xmlns:xmpp': NS_XBOSH,
      'xmpp:version': '1.0',
      'xmpp:restartlogic': 'true',
    }
  }

  get backlog(): number {
    return this.#waiting
  }

  /** Requests that a client may have under way (§7.2). */
  get #window(): number {
    return this.#terms.hold + 1
  }

  /** Takes the first request. */
  begin(request: BoshRequest, exchange: Exchange): void {
    this.#last = request.rid
    this.#hold(request.rid, exchange)
    this.#read([openFrame(request)], request.bytes)
  }

  /** Takes any other: in its turn, or as one that came before (§14). */
  take(request: BoshRequest, exchange: Exchange): void {
    if (this.#isOver) {
      exchange.answer(this.#farewell)
      return
    }
    const ahead = request.rid - this.#last
    if (ahead <= 0) {
      this.#repeat(request, exchange)
      return
    }
    // One more than agreed on, to pause or to end the session (§11).
    if (ahead > this.#window + 1) {
      this.#breakOff('item-not-found', exchange)
      return
    }
    this.#early.get(request.rid)?.exchange.answer(REPLACED)
    this.#early.set(request.rid, { request, exchange })
    for (let next = this.#nextInOrder(); next !== undefined; next = this.#nextInOrder()) this.#process(next)
  }

  /** To be called when a connection breaks on which a response was to be sent. */
  left(): void {
    if (!this.#isOver) this.#watchIdleness()
  }

  write(frame: string): void {
    if (this.#isOver || frame === '') return
    this.#waiting += frame.length
    if (this.#frames.push(frame) === 1) this.#given.turn.atEnd(this)
  }

  flush(): void {
    while (!this.#isOver && this.#isAnyoneThere && this.#mustAnswer) this.#answerOldest()
    if (!this.#isOver) this.#watchIdleness()
  }

  pause(): void {
    this.#isPaused = true
  }

  resume(): void {
    this.#isPaused = false
    this.#deliver()
  }

  end(): void {
    const isError = this.#frames.at(-1)?.startsWith('<stream:error') === true
    this.#finish(isError ? 'remote-stream-error' : undefined)
  }

  destroy(): void {
    this.#finish('item-not-found')
  }

  startTls(): Promise<void> {
    return Promise.reject(new Error('HTTP is secured by the http server'))
  }

  #nextInOrder(): Arrived | undefined {
    const next = this.#early.get(this.#last + 1)
    if (next === undefined || this.#isOver) return undefined
    this.#last++
    this.#early.delete(this.#last)
    return next
  }

  #process({ request, exchange }: Arrived): void {
    const { attrs, payloads, restarts, bytes } = request
    this.#hold(request.rid, exchange)
    if (attrs['pause'] !== undefined) {
      this.#rest(Number(attrs['pause']))
      return
    }
    const isEmpty = payloads.length === 0 && !restarts && attrs['type'] === undefined
    if (this.#terms.hold === 0 && isEmpty && this.#pollsTooOften()) {
      this.#breakOff('policy-violation')
      return
    }
    const frames = restarts ? [openFrame(request)] : [...payloads]
    if (attrs['type'] === 'terminate') frames.push(CLOSE)
    this.#read(frames, bytes)
    if (!this.#isOver) this.#given.turn.atEnd(this)
  }

  #hold(rid: number, exchange: Exchange): void {
    this.#endIdleness()
    const timer = this.#given.clock.after(this.#terms.wait * 1000, () => this.#answerUpTo(rid))
    this.#held.push({ rid, exchange, timer })
  }

  /** Somebody has not got a response, or does not believe that it will come (§14.3). */
  #repeat({ rid, bytes }: BoshRequest, exchange: Exchange): void {
    this.listener.onIdleBytes(bytes)
    const answered = this.#answered.get(rid)
    const held = this.#held.find((one) => one.rid === rid)
    if (answered !== undefined) exchange.answer(answered)
    else if (held === undefined) this.#breakOff('item-not-found', exchange)
    else {
      held.exchange.answer(REPLACED)
      held.exchange = exchange
      this.#endIdleness()
      this.#given.turn.atEnd(this)
    }
  }

  /** All responses at once, and then nothing for so many seconds (§10). */
  #rest(seconds: number): void {
    if (!(seconds > 0 && seconds <= this.#terms.maxPause)) {
      this.#breakOff('policy-violation')
      return
    }
    const frames = this.#frames
    this.#frames = []
    while (this.#held.length > 0) this.#answerOldest()
    this.#frames = frames
    this.#watchIdleness(seconds)
  }

  #pollsTooOften(): boolean {
    const now = this.#given.clock.now()
    const isTooSoon = now - this.#polledAt < this.#terms.polling * 1000 && this.#frames.length === 0
    this.#polledAt = now
    return isTooSoon
  }

  #read(frames: readonly string[], bytes: number): void {
    this.listener.onIdleBytes(bytes)
    for (const frame of frames) this.#unreadChars += frame.length
    this.#unread.push(...frames)
    if (this.#unreadChars > this.#terms.mostBytes) this.#breakOff('policy-violation')
    else this.#deliver()
  }

  #deliver(): void {
    while (!this.#isPaused && !this.#isOver) {
      const frame = this.#unread.shift()
      if (frame === undefined) return
      this.#unreadChars -= frame.length
      this.listener.onFrame(frame)
    }
  }

  get #isAnyoneThere(): boolean {
    return this.#held.some(({ exchange }) => !exchange.isGone)
  }

  /** There is something to say, or more requests wait than should; none is let go while the stream cannot read. */
  get #mustAnswer(): boolean {
    return this.#frames.length > 0 || (this.#held.length > this.#terms.hold && this.#unread.length === 0)
  }

  #answerUpTo(rid: number): void {
    while (!this.#isOver && (this.#held[0]?.rid ?? Infinity) <= rid) this.#answerOldest()
    if (!this.#isOver) this.#watchIdleness()
  }

  /** Responses leave in the order of requests. What nobody would get is kept for the next. */
  #answerOldest(): void {
    const oldest = this.#held.shift()
    if (oldest === undefined) return
    oldest.timer[Symbol.dispose]()
    const frames = oldest.exchange.isGone ? '' : this.#takeFrames()
    const ack = this.#usesAcks && this.#last > oldest.rid ? String(this.#last) : undefined
    const body = writeResponse({ ack, ...this.#opening }, frames)
    this.#opening = undefined
    this.#answered.set(oldest.rid, body)
    this.#answered.delete(oldest.rid - this.#window)
    oldest.exchange.answer(body)
  }

  #takeFrames(): string {
    const frames = this.#frames.join('')
    this.#frames = []
    this.#waiting = 0
    return frames
  }

  /** A client of which nothing is heard for so long is gone (§10). */
  #watchIdleness(seconds = this.#terms.inactivity): void {
    if (this.#isAnyoneThere || this.#idle !== undefined) return
    this.#idle = this.#given.clock.after(seconds * 1000, () => this.destroy())
  }

  #endIdleness(): void {
    this.#idle?.[Symbol.dispose]()
    this.#idle = undefined
  }

  #breakOff(condition: Terminal, exchange?: Exchange): void {
    this.#finish(condition)
    exchange?.answer(terminated(condition))
  }

  /** The first who waits is told, all others get an empty response (§13); if nobody waits, whoever asks next. */
  #finish(condition: Terminal | undefined): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#endIdleness()
    const last = terminated(condition, this.#takeFrames())
    const isTold = this.#isAnyoneThere
    let word = last
    for (const { exchange, timer } of this.#held) {
      timer[Symbol.dispose]()
      const isThere = !exchange.isGone
      exchange.answer(word)
      if (isThere) word = writeResponse({}, '')
    }
    for (const { exchange } of this.#early.values()) exchange.answer(writeResponse({}, ''))
    this.#held.length = 0
    this.#early.clear()
    this.#unread = []
    queueMicrotask(() => this.listener.onWireClosed())
    if (isTold) {
      this.#given.ended()
      return
    }
    this.#farewell = last
    this.#given.clock.after(this.#terms.inactivity * 1000, this.#given.ended)
  }
}

/** For a request that has come again: its response goes to the other (§14.3). */
const REPLACED = writeResponse({ type: 'error' }, '')

const CLOSE = xml('close', { xmlns: NS.framing }).toString()

/** A stream is not opened by the client itself (XEP-0206 §3): what it would say is in the attributes. */
function openFrame({ attrs: { to, from, 'xml:lang': lang }, version = '1.0' }: BoshRequest): string {
  return xml('open', { xmlns: NS.framing, to, from, version, 'xml:lang': lang }).toString()
}
