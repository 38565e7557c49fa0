/**
 * What is said most often is handled in one go: a handler that makes a promise of every stanza would cost much, and have
 * the stanzas of rooms and services overtake each other.
 */
import t from 'tap'
import { Jid } from '../../../server/jid/jid.ts'
import { type Origin, RoutedStanza } from '../../../server/routed-stanza.ts'
import { isPending } from '../../../server/util/maybe.ts'
import { Stanza } from '../../../server/xml/stanza.ts'
import { AccountWorld } from '../../support/account-world.ts'

const body = '<body>Wherefore art thou?</body>'
const marker = `<displayed xmlns='urn:xmpp:chat-markers:0' id='m'/>`
const typing = `<composing xmlns='http://jabber.org/protocol/chatstates'/>`

const messages = [
  `<message type='chat' id='m'>${body}${typing}</message>`,
  `<message type='chat'>${typing}</message>`,
  `<message type='chat'>${marker}</message>`,
  `<message type='headline'>${body}</message>`,
  `<message>${body}</message>`,
]

t.test('what comes for somebody who is there, from anybody', async (t) => {
  await using world = await AccountWorld.open()
  const juliet = await world.client('juliet@localhost/balcony')
  await juliet.say(`<iq type='get' id='r'><query xmlns='jabber:iq:roster'/></iq>`)
  const room = Jid.parse('cave@conference.localhost/Romeo')
  for (const text of [
    ...messages,
    `<message type='groupchat'>${body}</message>`,
    `<message type='error'/>`,
    `<presence><show>away</show></presence>`,
    `<presence type='unavailable'/>`,
    `<presence type='error'/>`,
    `<iq type='result' id='q'/>`,
  ]) {
    const stanza = Stanza.parse(text).with({ from: room.full, to: juliet.jid.full })
    const origin = { kind: 'local', jid: room, send: () => true } as const
    const event = new RoutedStanza<Origin>(stanza, origin, room, juliet.jid)
    t.notOk(isPending(world.host.incoming(event)), text)
  }
  t.strictSame(world.complaints, [])
})

t.test('what somebody says to others who are there', async (t) => {
  await using world = await AccountWorld.open()
  const juliet = await world.client('juliet@localhost/balcony')
  const romeo = await world.client('romeo@localhost/orchard')
  for (const text of [...messages, `<presence><show>away</show></presence>`, `<presence type='unavailable'/>`]) {
    const isToAll = text.startsWith('<presence')
    const to = isToAll ? juliet.jid.toBare() : romeo.jid.toBare()
    const stanza = Stanza.parse(text).with({ from: juliet.jid.full, to: isToAll ? undefined : to.full })
    t.notOk(isPending(world.host.outgoing(new RoutedStanza(stanza, juliet.session, juliet.jid, to))), text)
  }
  t.strictSame(world.complaints, [])
})
