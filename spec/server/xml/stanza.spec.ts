/** Stanzas as values, and the ones that we make. */
import t from 'tap'
import { Broadcast } from '../../../server/xml/broadcast.ts'
import { errorReply, iq, message, presence, reply } from '../../../server/xml/build.ts'
import { xml } from '../../../server/xml/element.ts'
import { clientLimits } from '../../../server/xml/limits.ts'
import { NS } from '../../../server/xml/ns.ts'
import { parseElement } from '../../../server/xml/parse.ts'
import { Scanner } from '../../../server/xml/scanner.ts'
import { Stanza } from '../../../server/xml/stanza.ts'
import { HEADER } from './record.ts'

/** The stanza that comes of some XML on a stream. */
function scanned(text: string): Stanza {
  let stanza: Stanza | undefined
  const nothing = (): void => {}
  const listener = { onOpen: nothing, onStanza: (it: Stanza) => void (stanza = it), onNonza: nothing, onClose: nothing }
  new Scanner(listener, { framing: 'stream', limits: clientLimits }).write(Buffer.from(HEADER + text))
  if (stanza === undefined) throw new Error('no stanza')
  return stanza
}

const CHAT = `<message to='juliet@a' id="1" type='chat' xml:lang='en' foo='b'><body>hi &amp; bye</body> <active xmlns='${NS.chatStates}'/><origin-id xmlns='${NS.sid}' id='1'/></message>`

t.test('have a head that may be read, and children that may be asked for', async (t) => {
  const stanza = scanned(CHAT)
  t.match(stanza, { name: 'message', to: 'juliet@a', from: undefined, id: '1', type: 'chat', lang: 'en' })
  t.equal(stanza.extra, " foo='b'")
  t.equal(stanza.has('body'), true)
  t.equal(stanza.has('body', NS.chatStates), false)
  t.equal(stanza.has('active', NS.chatStates), true)
  t.equal(stanza.childText('body'), 'hi & bye')
  t.equal(stanza.childText('subject'), undefined)
  t.equal(stanza.child('origin-id', NS.sid)?.attrs['id'], '1')
  t.equal(stanza.child('body'), stanza.childAt(0), 'parsed once')
  t.equal(stanza.childAt(3), undefined)
  t.equal(stanza.payload?.name, 'body')
  t.same(
    stanza.children().map(({ name }) => name),
    ['body', 'active', 'origin-id'],
  )
  t.equal(stanza.children('body').length, 1)
  t.equal(stanza.toString(), CHAT, 'leave as they came')
})

t.test('decode the attributes of their tag', async (t) => {
  const stanza = scanned(`<iq id='a&apos;b&#10;' to="x'y" from='a\tb' type='get'/>`)
  t.match(stanza, { id: "a'b\n", to: "x'y", from: 'a b', type: 'get' })
  t.equal(stanza.toString(), "<iq to='x&apos;y' from='a b' type='get' id='a&apos;b&#10;'/>")
})

t.test('change by giving a new one', async (t) => {
  const stanza = scanned(CHAT)
  const tail = CHAT.slice(CHAT.indexOf('><body>'))
  t.equal(stanza.with({ from: 'romeo@a' }).toString(), CHAT.replace(" foo='b'", " foo='b' from='romeo@a'"))
  t.equal(
    stanza.with({ to: 'nurse@a' }).toString(),
    `<message to='nurse@a' type='chat' id='1' xml:lang='en' foo='b'${tail}`,
  )
  t.equal(stanza.with({ to: undefined }).to, undefined)
  t.equal(stanza.with({ to: undefined }).toString(), `<message type='chat' id='1' xml:lang='en' foo='b'${tail}`)
  t.equal(stanza.with({ from: "it's" }).toString().includes("from='it&apos;s'"), true)
  t.equal(stanza.with({}).toString(), CHAT)

  const id = xml('stanza-id', { xmlns: NS.sid, by: 'a', id: '2' })
  const marked = stanza.append(id, xml('body', { 'xml:lang': 'de' }, 'x'))
  t.equal(marked.toString(), CHAT.replace('</message>', `${id.toString()}<body xml:lang='de'>x</body></message>`))
  t.same(marked.children('body').map(String), [
    "<body xmlns='jabber:client'>hi &amp; bye</body>",
    "<body xmlns='jabber:client' xml:lang='de'>x</body>",
  ])
  const without = marked.without(({ ns }) => ns === NS.sid)
  t.equal(without.has('origin-id', NS.sid) || without.has('stanza-id', NS.sid), false)
  t.equal(without.childText('body'), 'hi & bye')
  t.equal(without.child('active', NS.chatStates)?.name, 'active')
  t.equal(stanza.toString(), CHAT, 'and the old one stays')
})

t.test('remove what hides behind references and prefixes', async (t) => {
  for (const forged of [
    "<stanza-id xmlns='urn:xmpp:sid:0' id='x'/>",
    "<stanza-id xmlns='urn&#58;xmpp:sid:0' id='x'/>",
    "<s:stanza-id xmlns:s='urn:xmpp:sid:0' id='x'/>",
    '<stanza-id\nxmlns = "urn:xmpp:sid:0" id=\'x\'/>',
    "<stanza-id xmlns='urn:xmpp:sid:0'><![CDATA[x]]></stanza-id>",
  ]) {
    t.equal(scanned(`<message>${forged}${forged}</message>`).without('stanza-id', NS.sid).toString(), '<message/>')
  }
})

t.test('are forwarded, kept and read again', async (t) => {
  const stanza = scanned(CHAT)
  const element = stanza.toElement()
  t.equal(element.toString(), CHAT.replace('<message', "<message xmlns='jabber:client'"))
  t.equal(element.child('body')?.getText(), 'hi & bye')
  t.equal(Stanza.fromElement(element)?.childText('body'), 'hi & bye')
  t.equal(Stanza.fromElement(xml('message', { xmlns: 'urn:a' })), undefined)
  t.equal(Stanza.fromElement(xml('body', { xmlns: NS.client })), undefined)
  t.equal(Stanza.fromElement(xml('message', {}, xml('body', {}, 'x')))?.childText('body'), 'x')
  const server = Stanza.fromElement(parseElement("<message xmlns='jabber:server'><body/></message>"))
  t.equal(server?.toString(), '<message><body/></message>', 'the namespace of the stream is not that of the stanza')
  const canonical = CHAT.replace(`id="1" type='chat'`, `type='chat' id='1'`)
  t.equal(Stanza.parse(CHAT).toString(), canonical)
  t.equal(stanza.keep().toString(), canonical)
  t.equal(stanza.keep().childText('body'), 'hi & bye')
  t.throws(() => Stanza.parse('<body/>'), TypeError)
})

t.test('are sent to many', async (t) => {
  for (const stanza of [scanned(CHAT), message({ id: '1' }), presence({ to: 'a', from: "to=''" })]) {
    const broadcast = new Broadcast(stanza)
    for (const to of ['room@a/nick', "it's"]) {
      const copy = scanned(broadcast.for(to).toString())
      const expected = scanned(stanza.with({ to }).toString())
      t.equal(copy.to, to)
      t.equal(copy.with({ to: undefined }).toString(), expected.with({ to: undefined }).toString())
      t.equal(broadcast.for(to).keep().keep().toString(), broadcast.for(to).toString())
    }
    t.equal(broadcast.for('a').keep().inner, broadcast.for('b').keep().inner, 'what is kept has one body')
  }
  t.equal(new Broadcast(scanned(`<message foo="to=''"/>`)).for('x').toString(), `<message to='x' foo="to=''"/>`)
})

t.test('are made, and answered', async (t) => {
  t.equal(
    message({ to: 'a' }, xml('body', {}, 'x'), undefined, false).toString(),
    "<message to='a'><body>x</body></message>",
  )
  t.equal(presence({}).toString(), '<presence/>')
  const request = iq({ type: 'get', to: 'a', from: 'b', id: '1', lang: 'de' }, xml('query', { xmlns: 'urn:a' }))
  t.equal(request.toString(), "<iq to='a' from='b' type='get' id='1' xml:lang='de'><query xmlns='urn:a'/></iq>")
  t.equal(reply(request).toString(), "<iq to='b' from='a' type='result' id='1'/>")
  t.equal(reply(request, xml('query', { xmlns: 'urn:a' })).payload?.name, 'query')
  const error = xml('error', { xmlns: NS.client, type: 'cancel' }, xml('gone', { xmlns: NS.stanzas }))
  t.equal(
    errorReply(message({ to: 'a', from: 'b', id: '1', type: 'chat' }, xml('body', {}, 'x')), error).toString(),
    `<message to='b' from='a' type='error' id='1'><error type='cancel'><gone xmlns='${NS.stanzas}'/></error></message>`,
  )
})
