/** XEP-0280: which messages are copied, and how. */
import t from 'tap'
import { carbonOf, isForAllClients, withoutCarbons } from '../../../server/protocol/carbon.ts'
import { Stanza } from '../../../server/xml/stanza.ts'

const message = (attributes: string, inside = ''): Stanza =>
  Stanza.parse(`<message from='room@conference.x/Nick' to='romeo@x' ${attributes}>${inside}</message>`)

const BODY = '<body>Hi</body>'
const ROOM = `<x xmlns='http://jabber.org/protocol/muc#user'/>`
const INVITED = `<x xmlns='http://jabber.org/protocol/muc#user'><invite from='juliet@x'/></x>`

t.test('knows what is for all clients', async (t) => {
  const cases: readonly (readonly [sent: boolean, received: boolean, attributes: string, inside: string])[] = [
    [true, true, `type='chat'`, ''],
    [true, true, '', BODY],
    [true, true, `type='normal'`, BODY],
    [false, false, '', ''],
    [false, false, '', `<payload xmlns='urn:example:x'/>`],
    [true, true, '', `<received xmlns='urn:xmpp:receipts' id='x'/>`],
    [true, true, '', `<composing xmlns='http://jabber.org/protocol/chatstates'/>`],
    [true, true, '', `<displayed xmlns='urn:xmpp:chat-markers:0' id='x'/>`],
    [true, true, '', `<x xmlns='jabber:x:conference' jid='room@conference.x'/>`],
    [true, true, '', INVITED],
    [true, false, `type='chat'`, BODY + ROOM],
    [false, false, `type='groupchat'`, BODY],
    [false, false, `type='groupchat'`, `<received xmlns='urn:xmpp:receipts' id='x'/>`],
    [false, false, `type='headline'`, BODY],
    [false, false, `type='error'`, BODY],
    [false, false, `type='chat'`, `${BODY}<private xmlns='urn:xmpp:carbons:2'/>`],
    [false, false, `type='chat'`, `${BODY}<no-copy xmlns='urn:xmpp:hints'/>`],
    [true, true, `type='chat'`, `${BODY}<private xmlns='urn:example:x'/>`],
  ]
  for (const [sent, received, attributes, inside] of cases) {
    const stanza = message(attributes, inside)
    t.equal(isForAllClients(stanza, 'sent'), sent, `sent: ${attributes} ${inside}`)
    t.equal(isForAllClients(stanza, 'received'), received, `received: ${attributes} ${inside}`)
  }
})

t.test('a message from the room itself is no private message', async (t) => {
  const stanza = message(`type='chat'`, BODY + ROOM).with({ from: 'room@conference.x' })
  t.equal(isForAllClients(stanza, 'received'), true)
})

t.test('wraps a message as it is', async (t) => {
  const stanza = Stanza.parse(
    `<message from='a@x/1' to='b@x' type='chat' id='m' xml:lang='en'><body>Hi</body></message>`,
  )
  const carbon = carbonOf(stanza, 'received', 'b@x').with({ to: 'b@x/2' })
  t.equal(
    String(carbon),
    `<message to='b@x/2' from='b@x' type='chat'><received xmlns='urn:xmpp:carbons:2'><forwarded xmlns='urn:xmpp:forward:0'><message xmlns='jabber:client' to='b@x' from='a@x/1' type='chat' id='m' xml:lang='en'><body>Hi</body></message></forwarded></received></message>`,
  )
  const [received] = carbon.children()
  t.equal(received?.child('forwarded', 'urn:xmpp:forward:0')?.child('message', 'jabber:client')?.attrs['id'], 'm')
})

t.test('takes away what others claim to be copies, and nothing else', async (t) => {
  const forged = Stanza.parse(
    `<message><received xmlns='urn:xmpp:carbons:2'/><body>Hi</body><sent xmlns='urn&#58;xmpp:carbons:2'/><received xmlns='urn:xmpp:receipts' id='x'/><sent xmlns='urn:xmpp:carbons:2'/><private xmlns='urn:xmpp:carbons:2'/></message>`,
  )
  t.strictSame(
    withoutCarbons(forged).refs.map(({ name }) => name),
    ['body', 'received', 'private'],
  )
  const plain = message('', BODY)
  t.equal(withoutCarbons(plain), plain)
})
