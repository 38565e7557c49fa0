import t from 'tap'
import { Jid } from '../../../server/jid/jid.ts'
import type { RoutedStanza } from '../../../server/routed-stanza.ts'
import { Account } from '../../../server/session/account.ts'
import { ClientSession, type StanzaCounter } from '../../../server/session/client-session.ts'
import type { Stream } from '../../../server/stream/stream.ts'
import { StreamError } from '../../../server/stream/stream-error.ts'
import { InOrder } from '../../../server/util/in-order.ts'
import type { Maybe } from '../../../server/util/maybe.ts'
import { Stanza } from '../../../server/xml/stanza.ts'

const romeo = Jid.parse('romeo@verona.example/orchard')

/** A stream that counts how often it was stopped. */
class FakeStream {
  lang: string | undefined = 'it'
  pauses = 0
  readonly sent: string[] = []
  readonly isOpen: boolean

  constructor({ isOpen = true } = {}) {
    this.isOpen = isOpen
  }

  pause(): void {
    this.pauses++
  }

  resume(): void {
    this.pauses--
  }

  send(stanza: Stanza): boolean {
    if (this.isOpen) this.sent.push(stanza.toString())
    return this.isOpen
  }

  close(): void {}

  /** A session asks for nothing else of its stream. */
  get stream(): Stream {
    return this as unknown as Stream
  }
}

/** A session whose stanzas are handled as `route` says, and what comes of them. */
class World {
  readonly routed: RoutedStanza[] = []
  readonly refused: Stanza[] = []
  readonly session: ClientSession
  readonly wire = new FakeStream()
  route: (event: RoutedStanza) => Maybe<void> = () => undefined

  constructor() {
    this.session = new ClientSession(romeo, 'orchard', new Account(romeo.toBare()), {
      route: (event) => {
        this.routed.push(event)
        return this.route(event)
      },
      addressee: (to) => Jid.parse(to),
      takesAnswer: ({ id }) => id === 'answer',
      refuse: (stanza) => void this.refused.push(stanza),
    })
    this.session.attach(this.wire.stream)
  }

  say(xml: string): void {
    this.session.receive(Stanza.parse(xml))
  }

  get ids(): readonly (string | undefined)[] {
    return this.routed.map(({ stanza }) => stanza.id)
  }
}

t.test('a stanza goes on with who has sent it, to whom, and in what language', (t) => {
  const world = new World()
  world.say(`<message to='juliet@capulet.example' id='a'/>`)
  world.say(`<message id='b' xml:lang='en' from='romeo@verona.example/elsewhere'/>`)
  t.match(world.routed, [
    { stanza: { from: romeo.full, lang: 'it' }, from: romeo, to: { full: 'juliet@capulet.example' } },
    { stanza: { from: romeo.full, lang: 'en' }, from: romeo, to: { full: 'romeo@verona.example' } },
  ])
  t.end()
})

t.test('nobody speaks in the name of another (RFC 6120 §8.1.2.1)', (t) => {
  for (const from of ['juliet@capulet.example', 'verona.example', '@', '']) {
    const world = new World()
    t.throws(() => world.say(`<message from='${from}'/>`), new StreamError('invalid-from'), from)
    t.strictSame(world.routed, [])
  }
  t.end()
})

t.test('an address that is none is refused, an answer is not queued; both have been dealt with', (t) => {
  const world = new World()
  const counter = new InOrder()
  world.session.counter = counting(counter)
  world.say(`<message to='@nowhere' id='lost'/>`)
  world.say(`<iq type='result' id='answer'/>`)
  t.match(world.refused, [{ id: 'lost' }])
  t.strictSame(world.routed, [])
  t.equal(counter.count, 2)
  t.throws(() => world.say(`<message from='juliet@capulet.example'/>`))
  t.equal(counter.begun, 2, 'what ends the stream is not waited for')
  t.end()
})

t.test('a stanza has been dealt with when it was handled, and what it leaves is stored', async (t) => {
  const world = new World()
  const counter = new InOrder()
  world.session.counter = counting(counter)
  const [handling, storing] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  world.route = (event) => {
    event.settles(storing.promise)
    return handling.promise
  }
  world.say('<message/>')
  await new Promise(setImmediate)
  t.equal(counter.count, 0)
  handling.resolve()
  await new Promise(setImmediate)
  t.equal(counter.count, 0)
  storing.reject(new Error('no'))
  await new Promise(setImmediate)
  t.equal(counter.count, 1, 'also if it could not be stored: nobody gains by sending it for ever')
})

t.test('who sends on while a stanza is being handled is stopped, on whatever stream', async (t) => {
  const world = new World()
  const handling = Promise.withResolvers<void>()
  world.route = ({ stanza }) => (stanza.id === '0' ? handling.promise : undefined)
  for (let id = 0; id < 64; id++) world.say(`<message id='${id}'/>`)
  t.equal(world.wire.pauses, 0)
  for (let id = 64; id < 70; id++) world.say(`<message id='${id}'/>`)
  t.equal(world.wire.pauses, 1)
  t.strictSame(world.ids, ['0'])

  const next = new FakeStream()
  world.session.detach()
  world.session.attach(next.stream)
  t.equal(next.pauses, 1)
  handling.resolve()
  await new Promise(setImmediate)
  t.equal(next.pauses, 0)
  t.strictSame(
    world.ids,
    Array.from({ length: 70 }, (_, id) => String(id)),
  )
})

t.test('what has waited is still said when its sender has gone, but nobody comes who has gone', async (t) => {
  const world = new World()
  const counter = new InOrder()
  world.session.counter = counting(counter)
  const handling = Promise.withResolvers<void>()
  world.route = ({ stanza }) => (stanza.id === 'slow' ? handling.promise : undefined)
  for (const stanza of [
    `<message id='slow'/>`,
    `<message id='said'/>`,
    `<presence id='comes'/>`,
    `<presence id='enters' to='room@rooms.example/romeo'/>`,
    `<presence id='goes' type='unavailable'/>`,
    `<iq id='asks' type='get'/>`,
  ]) {
    world.say(stanza)
  }
  world.session.close()
  handling.resolve()
  await new Promise(setImmediate)
  t.strictSame(world.ids, ['slow', 'said', 'goes', 'asks'])
  t.equal(counter.count, 6)
})

t.test('a stanza for the client is held, or kept, or sent', (t) => {
  const stanza = Stanza.parse(`<message id='a'/>`)
  const world = new World()
  const { session } = world
  t.equal(session.send(stanza), true)
  t.equal(world.wire.sent.length, 1)

  session.outbox.hold = () => true
  t.equal(session.send(stanza), true)
  t.equal(world.wire.sent.length, 1)
  t.equal(session.sendNow(stanza), true)
  t.equal(world.wire.sent.length, 2)

  session.outbox.hold = undefined
  session.detach()
  t.equal(session.send(stanza), false)
  session.attach(new FakeStream({ isOpen: false }).stream)
  t.equal(session.send(stanza), false)
  session.outbox.keep = () => true
  t.equal(session.send(stanza), true)
  t.end()
})

/** Counts as stream management does, whatever is stored meanwhile. */
function counting(counter: InOrder): StanzaCounter {
  return { begin: () => counter.begin(), stored() {}, finish: (number) => counter.finish(number) }
}
