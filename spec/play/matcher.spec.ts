import t, { type Test } from 'tap'
import { match, type MatchOptions } from './matcher.ts'
import { NS } from './namespaces.ts'
import { capturesOf, patternOf } from './pattern.ts'
import { reportMismatch } from './report.ts'
import type { XmlNode } from './xml-node.ts'
import { readFirstElement } from './xml-reader.ts'

const scope = new Map([
  ['', NS.client],
  ['scansion', NS.scansion],
])
const read = (text: string): XmlNode => readFirstElement(text, scope).node
const lenient: MatchOptions = { exactType: false, exactText: false }
const verdict = (expected: string, received: string, options: MatchOptions = lenient): ReturnType<typeof match> =>
  match(patternOf(read(expected)), read(received), options)

/** Expected, received, and whether that matches. */
type Case = readonly [string, string, boolean]

function check(t: Test, cases: readonly Case[], options: MatchOptions = lenient): void {
  for (const [expected, received, matches] of cases) {
    t.equal(verdict(expected, received, options).matches, matches, `${expected} ${matches ? '←' : '≠'} ${received}`)
  }
  t.end()
}

t.test('in jabber:client: what is expected has to be there, in any order, and more may be', (t) =>
  check(t, [
    ['<message/>', '<message/>', true],
    ['<message/>', '<presence/>', false],
    ['<message/>', "<message xmlns='jabber:server'/>", false],
    ["<message id='1'/>", "<message id='1' to='x'><body>x</body></message>", true],
    ["<message id='1'/>", "<message id='2'/>", false],
    ["<message id='1'/>", '<message/>', false],
    ["<message id=''/>", '<message/>', false],
    ["<message xml:lang='en'/>", "<message xml:lang='en'/>", true],
    ["<message xml:lang='en'/>", "<message lang='en'/>", false],
    ["<message xml:lang='en'/>", '<message/>', false],
    ['<message><body/></message>', '<message><subject/><body/></message>', true],
    ['<message><body/></message>', '<message><subject/></message>', false],
    ['<message><body/><subject/></message>', '<message><subject/><body/></message>', true],
    ['<message><body/><body/></message>', '<message><body/></message>', false],
    ['<message><body/><body/></message>', '<message><body/><body/></message>', true],
    ["<message><x xmlns='u'/></message>", '<message><x/></message>', false],
    ["<message><u:x xmlns:u='u'/></message>", "<message><x xmlns='u'/></message>", true],
    ["<message a='1'/>", "<message xmlns:u='u' u:a='1'/>", false],
    ["<error type='auth'/>", "<error type='auth' by='x'><text/></error>", true],
  ]),
)

t.test('text has to be equal where it is expected', (t) =>
  check(t, [
    ['<body>Hello</body>', '<body>Hello</body>', true],
    ['<body>Hello</body>', '<body>Hello<![CDATA[]]></body>', true],
    ['<body>Hello</body>', '<body>Hello </body>', false],
    ['<body>Hello</body>', '<body>hello</body>', false],
    ['<body>Hello</body>', '<body/>', false],
    ['<body/>', '<body>Hello</body>', true],
    ['<body> \n </body>', '<body>Hello</body>', true],
    ["<x xmlns='u'/>", "<x xmlns='u'>Hello</x>", true],
    ["<x xmlns='u'>a</x>", "<x xmlns='u'>b</x>", false],
    ["<x xmlns='u' scansion:strict='no'>a</x>", "<x xmlns='u'>b</x>", false],
  ]),
)

t.test('outside of jabber:client: nothing but what is expected, in order', (t) =>
  check(t, [
    ["<x xmlns='u'/>", "<x xmlns='u'/>", true],
    ["<x xmlns='u'/>", "<x xmlns='u' a='1'/>", false],
    ["<x xmlns='u' a='1'/>", "<x xmlns='u' a='1'/>", true],
    ["<x xmlns='u'/>", "<x xmlns='u'><y/></x>", false],
    ["<x xmlns='u'><y/></x>", "<x xmlns='u'/>", false],
    ["<x xmlns='u'><y/></x>", "<x xmlns='u'>\n <y/>\n</x>", true],
    ["<x xmlns='u'><y/><z/></x>", "<x xmlns='u'><y/><z/></x>", true],
    ["<x xmlns='u'><y/><z/></x>", "<x xmlns='u'><z/><y/></x>", false],
    ["<x xmlns='u'><y/></x>", "<x xmlns='u'><y/><y/></x>", false],
    ["<message><x xmlns='u'/></message>", "<message><x xmlns='u' a='1'/></message>", false],
    ["<message><x xmlns='u'/></message>", "<message a='1'><x xmlns='u'/><x xmlns='u'/></message>", true],
    // A message that is forwarded is in jabber:client, but inside of something that is not.
    [
      "<x xmlns='u'><message xmlns='jabber:client'/></x>",
      "<x xmlns='u'><message xmlns='jabber:client' a='1'/></x>",
      false,
    ],
    ["<x xmlns='u'><message xmlns='jabber:client'/></x>", "<x xmlns='u'><message xmlns='jabber:client'/></x>", true],
  ]),
)

t.test('scansion:strict decides for one element', (t) =>
  check(t, [
    ["<message scansion:strict='true'/>", "<message a='1'/>", false],
    ["<message scansion:strict='yes'/>", '<message><body/></message>', false],
    ["<message scansion:strict='true'><body/></message>", "<message><body a='1'/></message>", true],
    ["<x xmlns='u' scansion:strict='false'/>", "<x xmlns='u' a='1'><y/></x>", true],
    ["<x xmlns='u' scansion:strict='no'><z/></x>", "<x xmlns='u'><y/><z/></x>", true],
    ["<x xmlns='u' scansion:strict='no'><z/></x>", "<x xmlns='u'><z a='1'/></x>", false],
    [
      "<x xmlns='u' scansion:strict='no'><message xmlns='jabber:client'/></x>",
      "<x xmlns='u'><message xmlns='jabber:client' a='1'/></x>",
      false,
    ],
  ]),
)

t.test('errors are expected or do not match', (t) =>
  check(t, [
    ['<message/>', "<message type='chat'/>", true],
    ['<message/>', "<message type='error'/>", false],
    ["<message type='error'/>", "<message type='error'/>", true],
    ["<message type='{scansion:any}'/>", "<message type='error'/>", true],
    ['<message><x/></message>', "<message><x type='error'/></message>", true],
  ]),
)

t.test('with exact types, no type is expected where none is named', (t) =>
  check(
    t,
    [
      ['<message/>', '<message/>', true],
      ['<message/>', "<message type='chat'/>", false],
      ["<message type='chat'/>", "<message type='chat'/>", true],
      ['<message><x/></message>', "<message><x type='chat'/></message>", true],
    ],
    { ...lenient, exactType: true },
  ),
)

t.test('with exact text, no text is expected where none is written', (t) =>
  check(
    t,
    [
      ['<body/>', '<body>Hello</body>', false],
      ['<body/>', '<body> </body>', true],
      ['<message><body/></message>', '<message><body>Hello</body></message>', false],
      ["<message><x xmlns='u'/></message>", "<message><x xmlns='u'>Hello</x></message>", false],
      ["<body scansion:strict='false'/>", '<body>Hello</body>', true],
      ["<body scansion:strict='true'/>", '<body>Hello</body>', false],
      ['<message/>', '<message><body>Hello</body></message>', true],
    ],
    { ...lenient, exactText: true },
  ),
)

t.test('each expected child finds a received one of its own, whatever the order of trying', (t) =>
  check(t, [
    ["<a><b/><b c='1'/></a>", "<a><b c='1'/><b/></a>", true],
    ["<a><b/><b c='1'/><b c='1' d='2'/></a>", "<a><b c='1' d='2'/><b c='1'/><b/></a>", true],
    ["<a><b c='1'/><b d='1'/></a>", "<a><b c='1' d='1'/><b/></a>", false],
    ["<a><b c='1'/><b d='1'/></a>", "<a><b c='1' d='1'/><b c='1'/></a>", true],
    ["<a><b c='1'/><b d='1'/><b/></a>", "<a><b c='1' d='1'/><b c='1'/></a>", false],
  ]),
)

t.test('keeps what it captures, and only from what has matched', (t) => {
  const captured = (expected: string, received: string): unknown => {
    const result = verdict(expected, received)
    return result.matches ? Object.fromEntries(result.captures) : result.reason
  }
  t.strictSame(captured("<a b='{scansion:any}'/>", "<a b=''/>"), {})
  t.match(captured("<a b='{scansion:any}'/>", '<a/>'), /has no attribute b/)
  t.match(captured("<a b='{scansion:capture:n}'/>", '<a/>'), /has no attribute b/)
  t.strictSame(captured("<a b='{scansion:capture:n}'/>", "<a b='1'/>"), { n: '1' })
  t.strictSame(captured("<a b='{scansion:capture:a name}'/>", "<a b='&lt;'/>"), { 'a name': '<' })
  t.strictSame(
    captured(
      "<a><b c='{scansion:capture:n}' d='1'/><b c='{scansion:capture:m}'/></a>",
      "<a><b c='first'/><b c='second' d='1'/></a>",
    ),
    { n: 'second', m: 'first' },
  )
  t.strictSame(
    captured(
      "<x xmlns='u'><y a='{scansion:capture:n}'/><y a='{scansion:capture:n}'/></x>",
      "<x xmlns='u'><y a='1'/><y a='2'/></x>",
    ),
    { n: '2' },
    'a later value replaces an earlier one',
  )
  t.strictSame(capturesOf(patternOf(read("<a b='{scansion:capture:n}'><c d='{scansion:capture:m}'/></a>"))), ['n', 'm'])
  t.end()
})

t.test('says where the difference is', (t) => {
  const reason = (expected: string, received: string): unknown => {
    const result = verdict(expected, received)
    return result.matches ? 'matches' : result.reason
  }
  t.equal(reason("<a><b c='1'/></a>", "<a><b c='2'/></a>"), "a/b has c='2', expected '1'")
  t.equal(reason("<a><b xmlns='u'><c/></b></a>", "<a><b xmlns='u'/></a>"), "a/b has no <c xmlns='u'>")
  t.equal(reason("<a><b xmlns='u'/></a>", '<a/>'), "a has no <b xmlns='u'>")
  t.equal(reason("<b xmlns='u'/>", "<b xmlns='u' c='1'/>"), 'b has the attribute c, which was not expected')
  t.equal(reason("<b xmlns='u'/>", "<b xmlns='u'><c/></b>"), "b has a <c xmlns='u'>, which was not expected")
  t.equal(reason('<a>x</a>', '<a>y</a>'), 'a has the text “y”, expected “x”')
  t.equal(reason('<a/>', "<a type='error'/>"), "a has type='error', which was not expected")
  t.equal(reason("<a><b c='1'/></a>", "<a><b c='2'/><b c='3'/></a>"), 'a has no such <b>, or not enough')
  t.end()
})

t.test('shows the nearest stanza line by line, and the others', (t) => {
  const expected = patternOf(read("<message id='1'><body>Hello</body><x xmlns='u'><y/></x></message>"))
  const candidate = (text: string): { stanza: XmlNode; reason: string } => ({
    stanza: read(text),
    reason: 'it differs',
  })
  const lines = reportMismatch(expected, [
    candidate('<presence/>'),
    candidate("<message id='1' to='z'><body>Bye</body><x xmlns='u'><y/></x></message>"),
  ])
  t.strictSame(lines, [
    'it differs',
    'expected (-) and received (+):',
    "    <message id='1' to='z'>",
    '  -   <body>Hello</body>',
    '  +   <body>Bye</body>',
    "      <x xmlns='u'>",
    '        <y/>',
    '      </x>',
    '    </message>',
    'also received, but it differs:',
    '    <presence/>',
  ])
  t.strictSame(reportMismatch(expected, []).at(-1), 'received nothing')
  const many = Array.from({ length: 12 }, () => candidate('<presence/>'))
  t.strictSame(reportMismatch(expected, many).at(-1), 'and 3 more')
  t.end()
})
