import t from 'tap'
import { Jid } from '../../server/jid/jid.ts'
import { PendingIqs } from '../../server/pending-iqs.ts'
import { StanzaError } from '../../server/stanza-error.ts'
import { Stanza } from '../../server/xml/stanza.ts'
import { FakeClock } from '../support/fake-clock.ts'

const us = Jid.parse('verona.example')
const romeo = Jid.parse('romeo@verona.example/orchard')
const MINUTE = 60_000

const result = (id: string, payload = ''): Stanza => Stanza.parse(`<iq type='result' id='${id}'>${payload}</iq>`)
const conditionOf = (answer: Promise<unknown>): Promise<string | undefined> =>
  answer.then(
    () => undefined,
    (error: unknown) => (error instanceof StanzaError ? error.condition : undefined),
  )
const found = "<found xmlns='urn:example:found'/>"

t.test('an answer is for whoever has asked, under that id, that peer; once', async (t) => {
  const clock = new FakeClock()
  const pending = new PendingIqs(clock)
  const answer = pending.expect(us, romeo, 'a')
  t.notOk(pending.settle(result('b'), romeo, us), 'another id')
  t.notOk(pending.settle(result('a'), romeo.toBare(), us), 'another peer')
  t.notOk(pending.settle(result('a'), romeo, romeo), 'to somebody else')
  t.ok(pending.settle(result('a', found), romeo, us))
  t.match(await answer, { name: 'found', ns: 'urn:example:found' })
  t.notOk(pending.settle(result('a'), romeo, us))
  t.equal(clock.pending, 0)
})

t.test('nobody can answer for another by the blanks in a resource', (t) => {
  const pending = new PendingIqs(new FakeClock())
  void pending.expect(us, Jid.parse('cave@rooms.example/a b'), 'c')
  t.notOk(pending.settle(result('b c'), Jid.parse('cave@rooms.example/a'), us))
  t.end()
})

t.test('an empty result is undefined; an error is thrown as it was meant', async (t) => {
  const pending = new PendingIqs(new FakeClock())
  const empty = pending.expect(us, romeo, 'a')
  pending.settle(result('a'), romeo, us)
  t.equal(await empty, undefined)

  const refused = pending.expect(us, romeo, 'b')
  const error = `<error type='auth'><forbidden xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>`
  pending.settle(Stanza.parse(`<iq type='error' id='b'>${error}</iq>`), romeo, us)
  t.equal(await conditionOf(refused), 'forbidden')
})

t.test('who does not answer in a minute is taken to be unable to', async (t) => {
  const clock = new FakeClock()
  const pending = new PendingIqs(clock)
  const answer = pending.expect(us, romeo, 'a')
  clock.advance(MINUTE)
  t.equal(await conditionOf(answer), 'remote-server-timeout')
  t.notOk(pending.settle(result('a'), romeo, us), 'too late')
})

t.test('of two under one id the last gets the answer, and the first does not wait for ever', async (t) => {
  const clock = new FakeClock()
  const pending = new PendingIqs(clock)
  const first = pending.expect(us, romeo, 'a')
  clock.advance(MINUTE - 1)
  const second = pending.expect(us, romeo, 'a')
  clock.advance(1)
  t.equal(await conditionOf(first), 'remote-server-timeout')
  t.ok(pending.settle(result('a', found), romeo, us))
  t.match(await second, { name: 'found' })
})

t.test('a refusal that nobody waits for yet is no failure of the process', async (t) => {
  const pending = new PendingIqs(new FakeClock())
  const unhandled: unknown[] = []
  const note = (error: unknown): void => void unhandled.push(error)
  process.on('unhandledRejection', note)
  t.teardown(() => process.off('unhandledRejection', note))
  const answer = pending.expect(us, romeo, 'a')
  pending.settle(Stanza.parse(`<iq type='error' id='a'/>`), romeo, us)
  await new Promise(setImmediate)
  t.equal(await conditionOf(answer), 'undefined-condition')
  t.strictSame(unhandled, [])
})
