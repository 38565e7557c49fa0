import fc from 'fast-check'
import t from 'tap'
import { delayElement, readDelay, withoutDelaysFrom } from '../../../server/protocol/delay.ts'
import { forwardedElement, readForwarded } from '../../../server/protocol/forward.ts'
import { hasHint, hintElement } from '../../../server/protocol/hints.ts'
import {
  originIdOf,
  stanzaIdBy,
  stanzaIdElement,
  withoutStanzaIdsBy,
  withStanzaId,
} from '../../../server/protocol/stanza-id.ts'
import { message } from '../../../server/xml/build.ts'
import { NS } from '../../../server/xml/ns.ts'
import { xml } from '../../../server/xml/element.ts'
import { parseElement } from '../../../server/xml/parse.ts'
import type { Stanza } from '../../../server/xml/stanza.ts'
import { anyElement } from './arbitraries.ts'

const room = 'room@muc.example.com'
const body = xml('body', { xmlns: 'jabber:client' }, 'Typical body text')
const origin = xml('origin-id', { xmlns: NS.sid, id: 'o1' })
const idBy = (by: string, id: string) => stanzaIdElement({ id, by })
const children = (stanza: Stanza): string =>
  parseElement(stanza.toElement().toString()).elements.join('').replaceAll('"', "'")

t.test('gives a stanza an id, and takes forged ones away', async (t) => {
  const forged = message(
    { type: 'groupchat' },
    idBy(room, 'forged'),
    body,
    idBy('other@muc.example.com', 'theirs'),
    idBy('Room@MUC.example.com', 'forged too'),
    origin,
    idBy(room, 'forged again'),
  )
  const named = withStanzaId(forged, { id: 's1', by: room })
  t.equal(stanzaIdBy(named, room), 's1')
  t.equal(stanzaIdBy(named, 'other@muc.example.com'), 'theirs', "another's stays")
  t.equal(stanzaIdBy(named, 'nobody@muc.example.com'), undefined)
  t.equal(originIdOf(named), 'o1', 'and so does that of the sender')
  t.notMatch(children(named), /forged/)
  t.match(children(named), /<body[^>]*>Typical body text<\/body>/)

  const clean = withoutStanzaIdsBy(forged, room)
  t.equal(stanzaIdBy(clean, room), undefined)
  t.equal(withoutStanzaIdsBy(clean, room), clean, 'nothing to do')
})

t.test('an id without an owner is nobody’s', async (t) => {
  const odd = message(
    {},
    xml('stanza-id', { xmlns: NS.sid, id: 'x' }),
    xml('stanza-id', { xmlns: NS.sid, id: 'y', by: '@@' }),
  )
  t.equal(withoutStanzaIdsBy(odd, room), odd)
  t.equal(stanzaIdBy(odd, room), undefined)
  t.equal(originIdOf(odd), undefined)
})

t.test('notes when a stanza was sent', async (t) => {
  const stamp = new Date('2002-09-10T23:08:25Z')
  const element = delayElement(stamp, 'capulet.lit', 'Offline Storage')
  t.equal(
    element.toString().replaceAll('"', "'"),
    `<delay xmlns='${NS.delay}' from='capulet.lit' stamp='2002-09-10T23:08:25.000Z'>Offline Storage</delay>`,
  )
  t.same(readDelay(element), { stamp, from: 'capulet.lit', reason: 'Offline Storage' })
  t.same(readDelay(delayElement(stamp)), { stamp, from: undefined, reason: undefined })
  t.equal(readDelay(undefined), undefined)
  t.equal(readDelay(xml('delay', { xmlns: NS.delay })), undefined)
  t.equal(readDelay(xml('delay', { xmlns: NS.delay, stamp: '20020910T23:08:25' })), undefined)
  t.equal(readDelay(xml('delay', { xmlns: 'urn:example:delay', stamp: '2002-09-10T23:08:25Z' })), undefined)
})

t.test('takes delays away that we did not note', async (t) => {
  const stamp = new Date(0)
  const stanza = message(
    {},
    delayElement(stamp, room, 'forged'),
    body,
    delayElement(stamp, 'capulet.lit'),
    delayElement(stamp, 'ROOM@muc.example.com', 'forged'),
  )
  const clean = withoutDelaysFrom(stanza, room)
  t.notMatch(children(clean), /forged/)
  t.match(children(clean), /capulet\.lit/)
  t.equal(withoutDelaysFrom(clean, room), clean)
})

t.test('wraps a stanza and unwraps it', async (t) => {
  const stanza = message({ type: 'chat' }, body)
  const received = new Date('2010-07-10T23:08:25.5Z')
  const wrapped = parseElement(forwardedElement(stanza, received, 'capulet.lit').toString())
  t.equal(wrapped.ns, NS.forward)
  t.equal(
    wrapped.child('message', 'jabber:client')?.attrs['xmlns'],
    'jabber:client',
    'in its own namespace (XEP-0297 §3.2)',
  )
  const read = readForwarded(wrapped)
  t.equal(read?.stanza.attrs['type'], 'chat')
  t.equal(read?.stanza.child('body')?.getText(), 'Typical body text')
  t.same(read?.delay, { stamp: received, from: 'capulet.lit', reason: undefined })
  t.equal(readForwarded(forwardedElement(stanza))?.delay, undefined)

  const inside = (content: string): unknown =>
    readForwarded(parseElement(`<forwarded xmlns='${NS.forward}'>${content}</forwarded>`))
  t.ok(inside("<presence xmlns='jabber:server'/>"))
  t.equal(inside(''), undefined)
  t.equal(inside('<message/>'), undefined, 'in no namespace of stanzas')
  t.equal(inside("<message xmlns='jabber:client'/><message xmlns='jabber:client'/>"), undefined)
  t.equal(readForwarded(undefined), undefined)
  t.equal(readForwarded(body), undefined)
})

t.test('knows what the sender would like', async (t) => {
  const secret = message({ type: 'chat' }, body, hintElement('no-store'))
  t.ok(hasHint(secret, 'no-store'))
  t.notOk(hasHint(secret, 'store'))
  t.notOk(
    hasHint(message({ type: 'error' }, hintElement('store')), 'store'),
    'hints in errors are quoted ones (XEP-0334 §5)',
  )
})

t.test('any element can be read', async () => {
  const elements = anyElement(
    ['forwarded', 'delay', 'message', 'stanza-id', 'origin-id'],
    [NS.forward, NS.delay, NS.sid, 'jabber:client'],
  )
  fc.assert(
    fc.property(elements, elements, (one, other) => {
      readDelay(one)
      readForwarded(one)
      const stanza = withStanzaId(message({}, one, other), { id: 's1', by: room })
      return stanzaIdBy(withoutDelaysFrom(stanza, room), room) === 's1'
    }),
  )
})
