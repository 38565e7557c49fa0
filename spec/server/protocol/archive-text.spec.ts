/** What an archived message says, to whoever searches for it. */
import t from 'tap'
import { messageText } from '../../../server/protocol/archive-text.ts'

const cases: readonly (readonly [xml: string, text: string])[] = [
  ['<message><body>A &lt;rose&gt;</body></message>', 'A <rose>'],
  ["<message><subject>Roses</subject><body>one</body><body xml:lang='de'>eine</body></message>", 'Roses\none\neine'],
  ['<message><body/></message>', ''],
  ["<message><active xmlns='http://jabber.org/protocol/chatstates'/></message>", ''],
  // Not of the message: what it quotes, or what another protocol calls a body.
  ["<message><html xmlns='urn:x'><body>no</body></html></message>", ''],
  [
    "<message><body>I sent you something</body><encryption xmlns='urn:xmpp:eme:0' namespace='urn:xmpp:omemo:2'/></message>",
    '',
  ],
  ["<message><retracted xmlns='urn:xmpp:message-retract:1' id='x' stamp='2026-01-01T00:00:00Z'/></message>", ''],
  ['<presence><body>no message</body></presence>', ''],
  // What a database has lost the end of.
  ['<message><body>one', ''],
  ['no stanza with a <body', ''],
  ['<message><x:body>no such prefix</x:body></message>', ''],
]

t.test('bodies and subjects', (t) => {
  for (const [xml, text] of cases) t.equal(messageText(xml), text, xml)
  t.end()
})
