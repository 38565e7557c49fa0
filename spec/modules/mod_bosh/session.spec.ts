import fc from 'fast-check'
import t from 'tap'
import { type Answer, BoshWorld } from './world.ts'

const EMPTY = /^<body xmlns='http:\/\/jabber.org\/protocol\/httpbind'\/>$/

t.test('the first response tells the terms, along with what there is to say', async (t) => {
  const world = new BoshWorld({}, `ack='1' xml:lang='it' from='romeo@localhost'`)
  t.match(
    world.heard[0],
    /<open xmlns='[^']*framing' to='localhost' from='romeo@localhost' version='1.0' xml:lang='it'/,
  )
  t.equal(world.opening.body, undefined)
  world.session.write('<stream:features/>')
  await world.turn()
  const body = world.opening.body ?? ''
  t.match(body, /sid='s1' wait='60' hold='1' requests='2' inactivity='30' polling='5' maxpause='120' ver='1.6'/)
  t.match(body, /from='localhost'/)
  t.match(body, /ack='1000'/)
  t.match(body, /xmpp:restartlogic='true'/)
  t.match(body, /<stream:features\/><\/body>$/)
})

t.test('a request waits until there is something to say, or another comes, or its time is up', async (t) => {
  const world = new BoshWorld()
  const first = world.send(1)
  await world.turn()
  t.match(world.opening.body, 'sid=')
  t.equal(first.body, undefined)
  const second = world.send(2, '<message/>')
  await world.turn()
  t.match(first.body, EMPTY)
  t.equal(second.body, undefined)
  world.clock.advance(59_999)
  t.equal(second.body, undefined)
  world.clock.advance(1)
  t.match(second.body, EMPTY)
})

t.test('payloads go to the stream in the order of requests', (t) => {
  const world = new BoshWorld()
  world.heard.length = 0
  world.send(2, '<b xmlns="urn:x"/>')
  t.strictSame(world.heard, [])
  world.send(1, '<a xmlns="urn:x"/>')
  t.strictSame(world.heard, [`<a xmlns='urn:x'/>`, `<b xmlns='urn:x'/>`])
  t.end()
})

t.test('a stanza that does not say its namespace is one; a restart opens the stream anew', (t) => {
  const world = new BoshWorld()
  world.heard.length = 0
  world.send(1, `<message to='a@b'><body>x</body></message>`)
  world.send(2, '<message/>', `xmpp:restart='true' to='localhost'`)
  t.strictSame(world.heard, [
    `<message xmlns='jabber:client' to='a@b'><body>x</body></message>`,
    `<open xmlns='urn:ietf:params:xml:ns:xmpp-framing' to='localhost' version='1.0'/>`,
  ])
  t.end()
})

t.test('a request that comes again gets the same response; one that waits is replaced', async (t) => {
  const world = new BoshWorld()
  const first = world.send(1)
  await world.turn()
  world.session.write('<message>1</message>')
  await world.turn()
  t.match(first.body, '<message>1</message>')
  t.equal(world.send(1).body, first.body)
  const waits = world.send(2)
  const again = world.send(2)
  t.match(waits.body, `type='error'`)
  world.session.write('<message>2</message>')
  await world.turn()
  t.match(again.body, '<message>2</message>')
})

t.test('what is said while nobody is there is kept until somebody is', async (t) => {
  const world = new BoshWorld()
  const first = world.send(1)
  await world.turn()
  first.break()
  world.session.write('<message>1</message>')
  await world.turn()
  const again = world.send(1)
  await world.turn()
  t.match(again.body, '<message>1</message>')
})

for (const [name, number] of [
  ['too far ahead', 5],
  ['too long ago', -1],
] as const) {
  t.test(`a request that is ${name} ends the session`, async (t) => {
    const world = new BoshWorld()
    const answer = world.send(number)
    t.match(answer.body, `type='terminate' condition='item-not-found'`)
    await world.turn()
    t.equal(world.closed, 1)
  })
}

t.test('a client that is silent for too long is gone; one that waits is not', async (t) => {
  const world = new BoshWorld()
  world.clock.advance(59_999)
  await world.turn()
  t.equal(world.closed, 0)
  world.clock.advance(1)
  t.match(world.opening.body, 'sid=')
  world.clock.advance(29_999)
  await world.turn()
  t.equal(world.closed, 0)
  world.clock.advance(1)
  await world.turn()
  t.equal(world.closed, 1)
  t.match(world.send(1).body, 'item-not-found')
  world.clock.advance(30_000)
  t.equal(world.ended, 1)
  t.equal(world.clock.pending, 0)
})

t.test('whose connection breaks has as long to come back', async (t) => {
  const world = new BoshWorld()
  world.opening.break()
  world.clock.advance(30_000)
  await world.turn()
  t.equal(world.closed, 1)
})

t.test('a pause: all that wait are answered, with nothing, and silence may last so long', async (t) => {
  const world = new BoshWorld()
  const first = world.send(1)
  await world.turn()
  world.session.write('<message/>')
  const pause = world.send(2, '', `pause='100'`)
  t.match(first.body, EMPTY)
  t.match(pause.body, EMPTY)
  world.clock.advance(99_999)
  await world.turn()
  t.equal(world.closed, 0)
  const next = world.send(3)
  await world.turn()
  t.match(next.body, '<message/>')
  t.match(world.send(4, '', `pause='121'`).body, `condition='policy-violation'`)
})

t.test('whoever polls gets an answer at once, and may not do so all the time', async (t) => {
  const world = new BoshWorld({ hold: 0, wait: 0 })
  await world.turn()
  world.clock.advance(0)
  t.match(world.opening.body, `hold='0' requests='1'`)
  const first = world.send(1)
  await world.turn()
  t.match(first.body, EMPTY)
  world.clock.advance(5000)
  const second = world.send(2)
  await world.turn()
  t.match(second.body, EMPTY)
  t.match(world.send(3).body, `condition='policy-violation'`)
})

t.test('the client ends the session: the stream is closed, and the oldest request is told', async (t) => {
  const world = new BoshWorld()
  const waits = world.send(1)
  await world.turn()
  const last = world.send(2, `<presence type='unavailable'/>`, `type='terminate'`)
  t.strictSame(world.heard.slice(1), [
    `<presence xmlns='jabber:client' type='unavailable'/>`,
    `<close xmlns='urn:ietf:params:xml:ns:xmpp-framing'/>`,
  ])
  world.session.end()
  t.match(waits.body, `type='terminate'`)
  t.match(last.body, EMPTY)
  await world.turn()
  t.strictSame([world.closed, world.ended], [1, 1])
})

t.test('a stream error ends it, and is told also to whoever asks next', async (t) => {
  const error = `<stream:error xmlns:stream='http://etherx.jabber.org/streams'/>`
  const world = new BoshWorld()
  world.session.write(error)
  world.session.end()
  t.match(world.opening.body, `type='terminate' condition='remote-stream-error'`)
  t.match(world.opening.body, error)
  const absent = new BoshWorld()
  absent.opening.break()
  absent.session.write(error)
  absent.session.end()
  t.match(absent.send(1).body, error)
})

t.test('nothing is read while the stream does not want it, and not without end', (t) => {
  const world = new BoshWorld()
  world.heard.length = 0
  world.session.pause()
  world.send(1, '<message/>')
  t.strictSame(world.heard, [])
  world.session.resume()
  t.equal(world.heard.length, 1)
  world.session.pause()
  world.send(2, `<message>${'a'.repeat(10_001)}</message>`)
  t.match(world.opening.body, `condition='policy-violation'`)
  t.end()
})

/** A network that loses requests and responses, and a client that asks again. */
t.test('whatever the network does, everything arrives once, in order, both ways', async (t) => {
  const step = fc.record({ says: fc.boolean(), answersFirst: fc.boolean(), loses: fc.constantFrom('none', 'response') })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 30 }), async (steps) => {
      const world = new BoshWorld()
      world.heard.length = 0
      const received: string[] = []
      const take = ({ body }: Answer): void => void received.push(...(body?.match(/<n>\d+<\/n>/g) ?? []))
      world.session.write('<n>0</n>')
      await world.turn()
      take(world.opening)
      let said = 1
      for (const [index, { says, answersFirst, loses }] of steps.entries()) {
        const number = index + 1
        if (says && answersFirst) world.session.write(`<n>${said++}</n>`)
        let answer = world.send(number, `<m xmlns='urn:x' n='${number}'/>`)
        if (loses === 'response') {
          answer.break()
          answer = world.send(number, `<m xmlns='urn:x' n='${number}'/>`)
        }
        if (says && !answersFirst) world.session.write(`<n>${said++}</n>`)
        await world.turn()
        if (answer.body === undefined) world.clock.advance(60_000)
        take(answer)
      }
      t.strictSame(
        world.heard,
        steps.map((_, index) => `<m xmlns='urn:x' n='${index + 1}'/>`),
      )
      t.strictSame(
        received,
        Array.from({ length: said }, (_, n) => `<n>${n}</n>`),
      )
    }),
    { numRuns: 60 },
  )
})
