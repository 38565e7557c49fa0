/** A session of BOSH with a client that speaks to it directly: no HTTP, no stream, and time that is moved by hand. */
import type { ServerResponse } from 'node:http'
import { EventEmitter } from 'node:events'
import { Exchange } from '../../../modules/mod_bosh/exchange.ts'
import { BoshSession, type Terms } from '../../../modules/mod_bosh/session.ts'
import { type BoshRequest, readRequest } from '../../../modules/mod_bosh/wrapper.ts'
import { Turn } from '../../../server/util/turn.ts'
import { clientLimits } from '../../../server/xml/limits.ts'
import { FakeClock } from '../../support/fake-clock.ts'

const TERMS: Terms = { wait: 60, hold: 1, inactivity: 30, polling: 5, maxPause: 120, mostBytes: 10_000 }
export const FIRST = 1000

/** What stands for the response to a request. */
export class Answer {
  body: string | undefined
  readonly #response = Object.assign(new EventEmitter(), {
    writableEnded: false,
    writeHead: () => undefined,
    end: (body: string) => {
      this.#response.writableEnded = true
      this.body = body
    },
  })
  readonly exchange: Exchange

  constructor(left: () => void) {
    // Of a response no more is used than that.
    this.exchange = new Exchange(this.#response as unknown as ServerResponse, {}, left)
  }

  /** The client's connection is gone. */
  break(): void {
    this.#response.emit('close')
  }
}

export class BoshWorld {
  readonly clock = new FakeClock()
  readonly session: BoshSession
  /** What the stream was given. */
  readonly heard: string[] = []
  closed = 0
  ended = 0
  readonly opening: Answer

  constructor(terms: Partial<Terms> = {}, attributes = '') {
    const request = requestOf(FIRST, '', `to='localhost' ${attributes}`)
    const peer = { address: '192.0.2.1', local: false, forwarded: false, encrypted: true, secure: undefined }
    const given = { clock: this.clock, turn: new Turn(), ended: () => void this.ended++ }
    this.session = new BoshSession('s1', request, peer, { ...TERMS, ...terms }, given)
    this.session.listener = {
      onBytes() {},
      onFrame: (frame) => void this.heard.push(frame),
      onIdleBytes() {},
      onWireEnd() {},
      onWireClosed: () => void this.closed++,
    }
    this.opening = new Answer(() => this.session.left())
    this.session.begin(request, this.opening.exchange)
  }

  /** Sends the request that is so many behind the first. */
  send(number: number, content = '', attributes = ''): Answer {
    const answer = new Answer(() => this.session.left())
    this.session.take(requestOf(FIRST + number, content, attributes), answer.exchange)
    return answer
  }

  /** After everything that is written at the end of the turn. */
  turn(): Promise<void> {
    return new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
  }
}

export function requestOf(rid: number | string, content = '', attributes = ''): BoshRequest {
  const text = `<body xmlns='http://jabber.org/protocol/httpbind' xmlns:xmpp='urn:xmpp:xbosh' rid='${rid}' ${attributes}>${content}</body>`
  const request = readRequest(Buffer.from(text), clientLimits)
  if (request === undefined) throw new Error(`no request: ${text}`)
  return request
}
