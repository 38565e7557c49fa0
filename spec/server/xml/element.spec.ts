/** Elements, their namespaces, and what is written of them. */
import { equal } from 'ltx'
import t from 'tap'
import { type Child, Element, xml } from '../../../server/xml/element.ts'
import { escapeAttribute, escapeText } from '../../../server/xml/escape.ts'
import { NS } from '../../../server/xml/ns.ts'
import { parseElement } from '../../../server/xml/parse.ts'
import { rawElement } from '../../../server/xml/raw-element.ts'
import { unescapeAttribute, unescapeText } from '../../../server/xml/unescape.ts'

t.test('are built by calls that read like the XML', async (t) => {
  const isAway = false
  const query = xml(
    'query',
    { xmlns: NS.version, node: undefined },
    xml('name', {}, 'Ma', 'drigal', ''),
    xml('version', { a: '1' }),
    isAway && xml('os', {}),
    undefined,
  )
  t.equal(query.toString(), "<query xmlns='jabber:iq:version'><name>Madrigal</name><version a='1'/></query>")
  t.same(query.child('name')?.children, ['Madrigal'])
  t.equal(query.child('version')?.ns, NS.version, 'children inherit')
  t.equal(query.child('name', 'urn:other'), undefined)
  t.equal(query.child('os'), undefined)
  t.same(
    query.elements.map(({ name }) => name),
    ['name', 'version'],
  )
  t.equal(query.child('name')?.getText(), 'Madrigal')
  t.equal(query.getChild('name', NS.version), query.child('name'), 'ltx finds them too')
  t.ok(equal(query, parseElement(query.toString())))
})

t.test('take their namespace along', async (t) => {
  const b = xml('b', {}, xml('c', { xmlns: 'urn:c' }))
  const parent = parseElement(xml('a', { xmlns: 'urn:a' }, b).toString())
  t.equal(parent.toString(), "<a xmlns='urn:a'><b><c xmlns='urn:c'/></b></a>")
  t.equal(parent.child('b')?.toString(), "<b xmlns='urn:a'><c xmlns='urn:c'/></b>")
  t.same(parent.child('b')?.attrs, {}, 'it is declared where it was')
  t.equal(b.toString(), "<b xmlns='urn:a'><c xmlns='urn:c'/></b>")
  t.equal(b.toString('urn:a'), "<b><c xmlns='urn:c'/></b>")
  t.equal(xml('x', { xmlns: 'urn:x' }, b).toString(), "<x xmlns='urn:x'><b xmlns='urn:a'><c xmlns='urn:c'/></b></x>")
  t.equal(xml('x', { xmlns: 'urn:a' }, b).toString(), "<x xmlns='urn:a'><b><c xmlns='urn:c'/></b></x>")

  const item = xml('item', {}, xml('deep', {}))
  t.equal(item.ns, '', 'undecided')
  t.equal(item.toString(), '<item><deep/></item>')
  xml('one', { xmlns: 'urn:one' }, item)
  t.equal(item.elements[0]?.ns, 'urn:one', 'decided by the first parent')
  t.equal(
    xml('two', { xmlns: 'urn:two' }, item).toString(),
    "<two xmlns='urn:two'><item xmlns='urn:one'><deep/></item></two>",
  )
  t.equal(xml('x', { xmlns: '' }).toString(NS.client), "<x xmlns=''/>", 'none is a namespace too')
  t.equal(parseElement('<x/>', NS.client).toString(NS.client), '<x/>')
})

t.test('have attributes without a prototype', async (t) => {
  for (const element of [xml('a', {}), parseElement('<a/>'), rawElement('a', '', '<a/>')]) {
    for (const name of ['__proto__', 'constructor', 'hasOwnProperty', 'toString'])
      t.equal(element.attrs[name], undefined)
  }
  const element = parseElement("<a __proto__='1' constructor='2' hasOwnProperty='3'/>")
  t.same(Object.entries(element.attrs), [
    ['__proto__', '1'],
    ['constructor', '2'],
    ['hasOwnProperty', '3'],
  ])
  t.equal(element.toString(''), "<a __proto__='1' constructor='2' hasOwnProperty='3'/>")
  t.equal(xml('a', { ['__proto__']: '1' }).toString(), "<a __proto__='1'/>")
})

t.test('are written and read however deep they are', async (t) => {
  let deep = xml('a', {})
  for (let i = 1; i < 100_000; i++) deep = xml('a', {}, deep)
  const text = xml('top', { xmlns: 'urn:a' }, deep).toString()
  t.equal(text.length, "<top xmlns='urn:a'></top>".length + 7 * 100_000 - 3)
  t.equal(parseElement(text).toString(), text)
})

t.test('escape what XML has a use for, and replace what it has none for', async (t) => {
  const cases: readonly (readonly [value: string, text: string, attribute: string])[] = [
    ['', '', ''],
    ['abc', 'abc', 'abc'],
    ['<&>', '&lt;&amp;&gt;', '&lt;&amp;&gt;'],
    [`'"`, `'"`, '&apos;&quot;'],
    ['\t\n\r', '\t\n&#13;', '&#9;&#10;&#13;'],
    ['é€😀', 'é€😀', 'é€😀'],
    ['\0\x1f\ufffe\uffff', '\ufffd\ufffd\ufffd\ufffd', '\ufffd\ufffd\ufffd\ufffd'],
    ['\ud800x\udc00', '\ufffdx\ufffd', '\ufffdx\ufffd'],
    ['\x7f\x85\u2028', '\x7f\x85\u2028', '\x7f\x85\u2028'],
  ]
  for (const [value, text, attribute] of cases) {
    t.equal(escapeText(value), text)
    t.equal(escapeAttribute(value), attribute)
    if (text.includes('\ufffd')) continue
    t.equal(unescapeText(text), value)
    t.equal(unescapeAttribute(attribute), value)
  }
  t.equal(unescapeText('a\r\nb\rc&#13;d'), 'a\nb\nc\rd', 'line ends (XML 1.0 §2.11)')
  t.equal(unescapeAttribute('a\r\nb\tc\nd&#9;e'), 'a b c d\te', 'white space in attributes (XML 1.0 §3.3.3)')
  t.equal(unescapeText('&amp;lt;&#x3c;&#60;&#x1F600;'), '&lt;<<😀')
})

t.test('whose text is known are taken apart only when somebody looks', async (t) => {
  const raw = rawElement('message', NS.client, "<message xmlns='jabber:client' to='a'><body>x</body></message>")
  t.equal(raw.name, 'message')
  t.equal(raw.ns, NS.client)
  t.equal(raw.toString(), "<message xmlns='jabber:client' to='a'><body>x</body></message>")
  const forwarded = xml('forwarded', { xmlns: NS.forward }, raw)
  t.equal(forwarded.toString(), `<forwarded xmlns='${NS.forward}'>${raw.toString()}</forwarded>`)
  t.equal(forwarded.child('message', NS.client), raw)
  t.equal(raw.attrs['to'], 'a')
  t.equal(raw.child('body')?.getText(), 'x')
  t.ok(raw instanceof Element)
})

t.test('read CDATA and white space as an XML parser does', async (t) => {
  const element = parseElement(
    '<a\n b = \'1\'\tc="2" ><![CDATA[<x>\r\n]]>&amp;<d/ >\n<e></e ></a >'.replace('/ >', '/>'),
    'urn:a',
  )
  const texts = element.children.map((child: Child) => (typeof child === 'string' ? child : child.name))
  t.same(texts, ['<x>\n&', 'd', '\n', 'e'])
  t.same({ ...element.attrs }, { b: '1', c: '2' })
})
