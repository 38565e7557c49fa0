/** XEP-0313 §6.1 and XEP-0424: what belongs in an archive, and what is left of it. */
import t from 'tap'
import { isWorthKeeping } from '../../../server/protocol/archive-content.ts'
import { retractedId, tombstoneOf } from '../../../server/protocol/retraction.ts'
import { Stanza } from '../../../server/xml/stanza.ts'

const message = (inside: string): Stanza => Stanza.parse(`<message id='m' type='chat'>${inside}</message>`)

const BODY = '<body>Hi</body>'
const STORE = `<store xmlns='urn:xmpp:hints'/>`

t.test('knows what will be of interest later', async (t) => {
  const kept = [
    BODY,
    '<subject>Ladders</subject>',
    `<thing xmlns='urn:example:x'/>${STORE}`,
    `<encryption xmlns='urn:xmpp:eme:0' namespace='x'/>`,
    `<encrypted xmlns='urn:xmpp:omemo:2'/>`,
    `<encrypted xmlns='eu.siacs.conversations.axolotl'/>`,
    `<openpgp xmlns='urn:xmpp:openpgp:0'/>`,
    `<received xmlns='urn:xmpp:receipts' id='x'/>`,
    `<displayed xmlns='urn:xmpp:chat-markers:0' id='x'/>`,
    `<replace xmlns='urn:xmpp:message-correct:0' id='x'/>`,
    `<reactions xmlns='urn:xmpp:reactions:0' id='x'/>`,
    `<retract xmlns='urn:xmpp:message-retract:1' id='x'/>`,
    `<apply-to xmlns='urn:xmpp:fasten:0' id='x'><retract xmlns='urn:xmpp:message-retract:0'/></apply-to>`,
    `<propose xmlns='urn:xmpp:jingle-message:0' id='x'/>`,
    `<finish xmlns='urn:xmpp:jingle-message:0' id='x'/>`,
    `<invite xmlns='urn:xmpp:call-invites:0'/>`,
    `<x xmlns='jabber:x:conference' jid='room@conference.x'/>`,
    `<x xmlns='http://jabber.org/protocol/muc#user'><invite from='a@x'/></x>`,
    `${BODY}<no-copy xmlns='urn:xmpp:hints'/>`,
  ]
  const notKept = [
    '',
    '<thread>t</thread>',
    `<composing xmlns='http://jabber.org/protocol/chatstates'/>`,
    `<active xmlns='http://jabber.org/protocol/chatstates'/><thread>t</thread>`,
    `<request xmlns='urn:xmpp:receipts'/>`,
    `<markable xmlns='urn:xmpp:chat-markers:0'/>`,
    `<x xmlns='http://jabber.org/protocol/muc#user'/>`,
    `<body xmlns='urn:example:x'>Hi</body>`,
    `${BODY}<no-store xmlns='urn:xmpp:hints'/>`,
    `${BODY}<no-permanent-store xmlns='urn:xmpp:hints'/>`,
    `${BODY}${STORE}<no-store xmlns='urn:xmpp:hints'/>`,
  ]
  for (const inside of kept) t.equal(isWorthKeeping(message(inside)), true, inside)
  for (const inside of notKept) t.equal(isWorthKeeping(message(inside)), false, inside)
})

t.test('reads what a message retracts', async (t) => {
  t.equal(retractedId(message(`<retract xmlns='urn:xmpp:message-retract:1' id='a'/>`)), 'a')
  t.equal(
    retractedId(
      message(`<apply-to xmlns='urn:xmpp:fasten:0' id='b'><retract xmlns='urn:xmpp:message-retract:0'/></apply-to>`),
    ),
    'b',
  )
  t.equal(
    retractedId(message(`<apply-to xmlns='urn:xmpp:fasten:0' id='c'><edit xmlns='urn:example:x'/></apply-to>`)),
    undefined,
  )
  t.equal(retractedId(message(`<retract xmlns='urn:xmpp:message-retract:1'/>`)), undefined)
  t.equal(retractedId(message(BODY)), undefined)
})

t.test('a tombstone says whose message it was and nothing that it said', async (t) => {
  const original = Stanza.parse(
    `<message from='a@x/1' to='b@x' id='m' type='chat' xml:lang='en'><body>Secret</body><origin-id xmlns='urn:xmpp:sid:0' id='m'/><thread>t</thread><x xmlns='jabber:x:oob'><url>https://secret.example/</url></x><occupant-id xmlns='urn:xmpp:occupant-id:0' id='o'/></message>`,
  )
  const at = new Date('2026-01-02T03:04:05.678Z')
  t.equal(
    String(tombstoneOf(original, { id: 'r', at })),
    `<message to='b@x' from='a@x/1' type='chat' id='m' xml:lang='en'><origin-id xmlns='urn:xmpp:sid:0' id='m'/><occupant-id xmlns='urn:xmpp:occupant-id:0' id='o'/><retracted xmlns='urn:xmpp:message-retract:1' id='r' stamp='2026-01-02T03:04:05.678Z'/></message>`,
  )
  t.match(String(tombstoneOf(original, { id: 'r', at, by: 'room@conference.x' })), /by='room@conference.x'/)
})
