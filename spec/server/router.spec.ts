import fc from 'fast-check'
import t from 'tap'
import { Hooks } from '../../server/host/hooks.ts'
import type { HostHooks } from '../../server/host/events.ts'
import { IqTable } from '../../server/host/iq-table.ts'
import { Jid } from '../../server/jid/jid.ts'
import { createLog } from '../../server/log/log.ts'
import { PendingIqs } from '../../server/pending-iqs.ts'
import { handled, type Handled, type Origin, RoutedStanza } from '../../server/routed-stanza.ts'
import { LocalOrigin, type RoutedHost, Router, type Routes } from '../../server/router.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import type { Maybe } from '../../server/util/maybe.ts'
import { xml } from '../../server/xml/element.ts'
import { Stanza } from '../../server/xml/stanza.ts'
import { FakeClock } from '../support/fake-clock.ts'

const romeo = Jid.parse('romeo@verona.example/orchard')
const juliet = Jid.parse('juliet@capulet.example/balcony')

/** A router between two hosts that do as they are told; what the sender is answered, and what is logged. */
class World {
  readonly clock = new FakeClock()
  readonly answers: Stanza[] = []
  readonly walked: string[] = []
  readonly lines: string[] = []
  readonly pending = new PendingIqs(this.clock)
  outgoing: RoutedHost['outgoing'] = () => undefined
  incoming: RoutedHost['incoming'] = () => handled
  remote: Routes['remote'] = () => handled
  readonly router: Router

  constructor() {
    const host: RoutedHost = {
      outgoing: (event) => this.#pass('outgoing', event, this.outgoing),
      incoming: (event) => this.#pass('incoming', event, this.incoming),
    }
    const domains = [romeo.domain, juliet.domain]
    const routes: Routes = {
      host: (domain) => (domains.includes(domain) ? host : undefined),
      remote: (event) => this.#pass('remote', event, this.remote),
    }
    const log = createLog({ level: 'debug', modules: new Map() }, { write: (line) => void this.lines.push(line) })
    this.router = new Router(routes, this.pending, this.clock, log)
  }

  /** Routes a stanza from Romeo, a client if nothing else is said. */
  async route(text: string, as: { kind?: Origin['kind']; to?: Jid } = {}): Promise<RoutedStanza> {
    const { kind = 'client', to = juliet } = as
    const origin: Origin = { kind, jid: romeo, send: (answer) => this.answers.push(answer) > 0 }
    const stanza = Stanza.parse(text).with({ from: romeo.full, to: to.full })
    const event = new RoutedStanza(stanza, origin, romeo, to)
    await this.router.route(event)
    return event
  }

  get texts(): readonly string[] {
    return this.answers.map(String)
  }

  #pass<R>(where: string, event: RoutedStanza, on: (event: RoutedStanza) => R): R {
    this.walked.push(where)
    return on(event)
  }
}

const message = `<message id='m'><body>secret</body></message>`
const request = `<iq type='get' id='q'><query xmlns='urn:example:query'/></iq>`

t.test('a client walks both chains, everybody else the incoming one; other domains are remote', async (t) => {
  const world = new World()
  await world.route(message)
  t.strictSame(world.walked.splice(0), ['outgoing', 'incoming'])
  for (const kind of ['server', 'component', 'local'] as const) {
    await world.route(message, { kind })
    t.strictSame(world.walked.splice(0), ['incoming'], kind)
  }
  await world.route(message, { to: Jid.parse('a@elsewhere.example') })
  t.strictSame(world.walked.splice(0), ['outgoing', 'remote'])
})

t.test('a refusal goes back to the sender, in the name of the addressee and without what was sent', async (t) => {
  for (const text of [message, request, `<presence id='p'/>`]) {
    const world = new World()
    world.incoming = () => {
      throw new StanzaError('not-acceptable', 'No')
    }
    await world.route(text)
    t.equal(world.answers.length, 1)
    t.match(world.answers[0], { from: juliet.full, to: romeo.full, type: 'error', id: Stanza.parse(text).id })
    t.match(world.texts[0], /<error .*type='modify'><not-acceptable .*<text .*>No<\/text><\/error>/)
    t.notMatch(world.texts[0], 'secret')
  }
})

t.test('an answer is never answered (RFC 6120 §8.3.1)', async (t) => {
  for (const text of [
    `<message type='error'/>`,
    `<presence type='error'/>`,
    `<iq type='result' id='a'/>`,
    `<iq type='error' id='a'/>`,
  ]) {
    for (const reply of [undefined, new StanzaError('forbidden'), new TypeError('a bug')]) {
      const world = new World()
      world.incoming = () => {
        if (reply !== undefined) throw reply
        return undefined
      }
      await world.route(text)
      t.strictSame(world.texts, [], text)
    }
  }
})

t.test('a bug is logged without what was said, and the sender is told to try later', async (t) => {
  const world = new World()
  world.incoming = () => {
    throw new TypeError('a bug')
  }
  const children = Array.from({ length: 500 }, (_, i) => `<c${i} xmlns='urn:example:children'/>`).join('')
  await world.route(`<message><body>secret</body>${children}</message>`)
  t.match(world.texts[0], `<error type='wait'><internal-server-error`)
  t.match(world.lines.join(), /"message":"stanza handler failed"/)
  t.match(world.lines.join(), 'a bug')
  t.notMatch(world.lines.join(), 'secret')
  t.ok(world.lines.join().length < 3000, 'nor all that was in it')
})

t.test('an iq has an id, a type, and one child if it asks for something (RFC 6120 §8.2.3)', async (t) => {
  for (const text of [
    `<iq type='get'><a xmlns='b'/></iq>`,
    `<iq id='q'><a xmlns='b'/></iq>`,
    `<iq id='q' type='take'><a xmlns='b'/></iq>`,
    `<iq id='q' type='get'/>`,
    `<iq id='q' type='set'><a xmlns='b'/><a xmlns='b'/></iq>`,
  ]) {
    const world = new World()
    await world.route(text)
    t.match(world.texts, [/<error type='modify'><bad-request/], text)
    t.strictSame(world.walked, [])
  }
})

t.test('an answer to a request of ours goes to whoever waits for it, and nowhere else', async (t) => {
  const world = new World()
  const answer = world.pending.expect(juliet, romeo, 'ours')
  await world.route(`<iq type='result' id='ours'><found xmlns='urn:example:found'/></iq>`)
  t.match(await answer, { name: 'found' })
  t.strictSame(world.walked, [])
  await world.route(`<iq type='result' id='ours'/>`)
  t.strictSame(world.walked, ['outgoing', 'incoming'], 'once')
})

/** What a chain may come to, at once or later. */
const outcome = fc.record({ what: fc.constantFrom('passes', 'handles', 'refuses', 'fails'), later: fc.boolean() })
type Outcome = typeof outcome extends fc.Arbitrary<infer O> ? O : never

function act({ what, later }: Outcome): Maybe<Handled | undefined> {
  const run = (): Handled | undefined => {
    if (what === 'refuses') throw new StanzaError('forbidden')
    if (what === 'fails') throw new TypeError('a bug')
    return what === 'handles' ? handled : undefined
  }
  return later ? Promise.resolve().then(run) : run()
}

t.test('whatever handlers do, a request is handled or refused, once; and routing never fails', async (t) => {
  const condition = { passes: 'service-unavailable', refuses: 'forbidden', fails: 'internal-server-error' }
  await fc.assert(
    fc.asyncProperty(outcome, outcome, async (sent, came) => {
      const world = new World()
      world.outgoing = () => act(sent)
      world.incoming = () => act(came)
      await world.route(request)
      const last = sent.what === 'passes' ? came : sent
      t.strictSame(world.walked, sent.what === 'passes' ? ['outgoing', 'incoming'] : ['outgoing'])
      if (last.what === 'handles') t.strictSame(world.texts, [])
      else t.match(world.texts, [`<${condition[last.what]} `])
      t.equal(world.router.busy, false)
      t.equal(world.clock.pending, 0)
    }),
  )
})

t.test('who takes too long is given up: the sender is told, once, and nothing more is done', async (t) => {
  const world = new World()
  const hooks = new Hooks<HostHooks>(() => {})
  const iqs = new IqTable()
  const slow = Promise.withResolvers<Handled | undefined>()
  const answered = Promise.withResolvers<void>()
  const delivered: Stanza[] = []
  hooks.on('incoming/message', () => slow.promise, 0, 'slow')
  hooks.on('incoming/message', ({ stanza }) => void delivered.push(stanza), 1, 'delivers')
  iqs.on({ type: 'get', ns: 'urn:example:query', name: 'query', at: 'account' }, async (asked) => {
    asked.afterAnswer(answered.resolve)
    await slow.promise
    return xml('late', { xmlns: 'urn:example:query' })
  })
  world.incoming = (event) => (event.stanza.name === 'iq' ? iqs.answer(event) : hooks.fire('incoming/message', event))
  const bare = { to: juliet.toBare() }
  const routed = [world.route(message), world.route(request, bare)]
  t.equal(world.router.busy, true)
  world.clock.advance(29_999)
  t.strictSame(world.texts, [])
  world.clock.advance(1)
  const events = await Promise.all(routed)
  t.ok(events.every(({ isGivenUp }) => isGivenUp))
  t.match(world.texts, [/internal-server-error/, /internal-server-error/])
  t.equal(world.router.busy, false)
  slow.resolve(undefined)
  await answered.promise
  await new Promise(setImmediate)
  t.equal(world.answers.length, 2)
  t.strictSame(delivered, [])
})

t.test('what is sent back to a service of ours arrives there', (t) => {
  const heard: string[] = []
  const origin = new LocalOrigin(juliet, (answer, from) => void heard.push(`${from.jid.full} ${answer.id}`))
  t.equal(origin.send(Stanza.parse(`<iq type='result' id='a'/>`)), true)
  t.strictSame(heard, [`${juliet.full} a`])
  t.end()
})
