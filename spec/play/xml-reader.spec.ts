import fc from 'fast-check'
import t from 'tap'
import { print, type XmlNode } from './xml-node.ts'
import { readFirstElement, XmlError, XmlReader } from './xml-reader.ts'

const scope = new Map([['', 'jabber:client']])
const read = (text: string): string => print(readFirstElement(text, scope).node)

t.test('resolves names, and forgets how they were written', (t) => {
  const cases: readonly (readonly [string, string])[] = [
    ['<a/>', '<a/>'],
    ["<a xmlns='jabber:client'></a>", '<a/>'],
    ["<p:a xmlns:p='jabber:client'/>", '<a/>'],
    ["<a xmlns='u'><b/></a>", "<a xmlns='u'><b/></a>"],
    ["<p:a xmlns:p='u'><b/></p:a>", "<a xmlns='u'><b xmlns='jabber:client'/></a>"],
    ["<a xmlns='u'><b xmlns=''/></a>", "<a xmlns='u'><b xmlns=''/></a>"],
    ["<a xml:lang='en' b = \"'\"\n c='2' />", "<a b=''' c='2' xml:lang='en'/>"],
    ["<a xmlns:p='u' p:b='1' b='2'/>", "<a b='2' {u}b='1'/>"],
    ["<a b='&#x41;&#66;&amp;&lt;'/>", "<a b='AB&#38;&#60;'/>"],
    ['<a>x<![CDATA[<&]]>y</a>', '<a>x&#60;&#38;y</a>'],
    ["<a b='1\t2\n3'/>", "<a b='1 2 3'/>"],
    ['<a>1\r\n2\r3</a>', '<a>1&#10;2&#10;3</a>'],
    ['<a b=">"/>', "<a b='&#62;'/>"],
    ['<ä.b-c_1/>', '<ä.b-c_1/>'],
  ]
  for (const [text, expected] of cases) t.equal(read(text), expected, text)
  t.end()
})

t.test('refuses what is not well-formed, and what a stream must not hold', (t) => {
  const cases = [
    '',
    'text',
    '<a',
    '<a>',
    '<a></b>',
    '</a>',
    '<a><b></a></b>',
    'text<a/>',
    '<1a/>',
    '<a:b:c/>',
    '<:a/>',
    '<a b/>',
    '<a b=1/>',
    "<a b='1'c='2'/>",
    "<a b='1' b='2'/>",
    "<a xmlns:p='u' xmlns:q='u' p:b='1' q:b='2'/>",
    "<a b='<'/>",
    "<a b='&'/>",
    '<a>&</a>',
    '<a>&nbsp;</a>',
    '<a>&amp</a>',
    '<a>&#0;</a>',
    '<a>&#xD800;</a>',
    '<a>&#x110000;</a>',
    '<a>]]></a>',
    '<a>\u{0}</a>',
    '<a>\u{fffe}</a>',
    '<p:a/>',
    "<a p:b='1'/>",
    "<a xmlns:p=''/>",
    "<a xmlns:xml='u'/>",
    "<a xmlns:xmlns='u'/>",
    "<a xmlns:p='http://www.w3.org/XML/1998/namespace'/>",
    '<!-- comment --><a/>',
    '<a><!-- comment --></a>',
    '<a><?php ?></a>',
    "<?xml version='1.0'?><a/>",
    '<!DOCTYPE a><a/>',
    '<a><![CDATA[</a>',
    '< a/>',
    '<a/ >',
  ]
  for (const text of cases) t.throws(() => read(text), { name: 'XmlError' }, JSON.stringify(text))
  t.throws(() => read('<a>'.repeat(2_000)), { name: 'XmlError' }, 'nested deeply')
  t.end()
})

t.test('tells the place of an error', (t) => {
  for (const text of ['<a>\n<b></c></a>', '<a>\n<b>&x;</b></a>']) t.equal(offsetOf(text), 7, JSON.stringify(text))
  t.end()
})

t.test('reads streams, however they are cut', (t) => {
  const text =
    "<?xml version='1.0'?>\n<stream:stream xmlns='jabber:client' xmlns:stream='s' id='1'>" +
    "<a b='\u{1f600}>'/> <stream:error><c xmlns='u'>&lt;<![CDATA[]]]]>x</c></stream:error>\n</stream:stream>\n"
  const whole = eventsOf([text])
  t.strictSame(whole, [
    "open <stream xmlns='s' id='1'/>",
    "<a b='\u{1f600}&#62;'/>",
    "<error xmlns='s'><c xmlns='u'>&#60;]]x</c></error>",
    'close',
  ])
  fc.assert(
    fc.property(fc.array(fc.nat({ max: text.length })), (cuts) => {
      const at = [
        0,
        ...cuts.map((cut) => ('\u{dc00}' <= text.charAt(cut) && text.charAt(cut) < '\u{e000}' ? cut + 1 : cut)),
      ]
      const sorted = at.toSorted((a, b) => a - b)
      const events = eventsOf(sorted.map((start, index) => text.slice(start, sorted[index + 1])))
      return JSON.stringify(events) === JSON.stringify(whole)
    }),
  )
  t.end()
})

t.test('refuses what does not belong into a stream', (t) => {
  const open = "<stream:stream xmlns='jabber:client' xmlns:stream='s'>"
  const cases = [
    ` <?xml version='1.0'?>${open}`,
    `<?xml version='1.1'?>${open}`,
    `<?xml version='1.0' encoding='latin1'?>${open}`,
    `${open}<?xml version='1.0'?>`,
    `${open}text`,
    `${open}<![CDATA[x]]>`,
    `${open}</stream:stream><a/>`,
    `${open}</stream>`,
    `${open}<!-- -->`,
  ]
  for (const text of cases) t.throws(() => eventsOf([text]), { name: 'XmlError' }, JSON.stringify(text))
  t.strictSame(eventsOf([`<?xml version="1.0" encoding='UTF-8'?>${open}</stream:stream >`]).at(-1), 'close')
  t.end()
})

function offsetOf(text: string): number | undefined {
  try {
    read(text)
    return undefined
  } catch (error) {
    return error instanceof XmlError ? error.offset : undefined
  }
}

function eventsOf(chunks: readonly string[]): readonly string[] {
  const events: string[] = []
  const reader = new XmlReader('stream', {
    onOpen: (root: XmlNode) => events.push(`open ${print({ ...root, children: [] })}`),
    onElement: (element) => events.push(print(element)),
    onClose: () => events.push('close'),
  })
  for (const chunk of chunks) reader.write(chunk)
  return events
}
