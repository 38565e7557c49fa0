import t from 'tap'
import { isUrgent } from '../../modules/mod_csi/importance.ts'
import { Stanza } from '../../server/xml/stanza.ts'

const mentionsJuliet = (text: string): boolean => text.includes('juliet')

const urgent: readonly string[] = [
  `<iq type='get' id='1'><ping xmlns='urn:xmpp:ping'/></iq>`,
  `<presence type='subscribe' from='a@b'/>`,
  `<presence type='error' from='a@b'/>`,
  `<message type='chat'><body>Words</body></message>`,
  `<message><body>Words</body></message>`,
  `<message type='error'><error type='cancel'/></message>`,
  `<message type='chat'><encrypted xmlns='urn:xmpp:omemo:2'/></message>`,
  `<message type='chat'><propose xmlns='urn:xmpp:jingle-message:0' id='c'/></message>`,
  `<message><x xmlns='jabber:x:conference' jid='room@b'/></message>`,
  `<message type='groupchat'><body>O juliet</body></message>`,
  `<message type='groupchat'><subject>News</subject></message>`,
  `<message><received xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>` +
    `<message xmlns='jabber:client' type='chat'><body>Words</body></message></forwarded></received></message>`,
]

const patient: readonly string[] = [
  `<presence from='a@b/c'/>`,
  `<presence type='unavailable' from='a@b/c'/>`,
  `<message type='chat'><composing xmlns='http://jabber.org/protocol/chatstates'/></message>`,
  `<message type='chat'><received xmlns='urn:xmpp:receipts' id='1'/></message>`,
  `<message type='headline'><body>Sale</body></message>`,
  `<message type='groupchat'><body>Somebody else</body></message>`,
  `<message><sent xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'>` +
    `<message xmlns='jabber:client' type='chat'><paused xmlns='http://jabber.org/protocol/chatstates'/></message>` +
    `</forwarded></sent></message>`,
]

t.test('what a client that sleeps must hear of at once', async (t) => {
  for (const text of urgent) t.ok(isUrgent(Stanza.parse(text), mentionsJuliet), text)
})

t.test('what can wait', async (t) => {
  for (const text of patient) t.notOk(isUrgent(Stanza.parse(text), mentionsJuliet), text)
})
