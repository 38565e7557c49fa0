/** What is XML for us and what is not (RFC 6120 §11, XML 1.0, XML Names), however the input is cut. */
import t from 'tap'
import { allCuts, HEADER, record } from './record.ts'

/** A stanza, and what must become of it: the stanza as it is passed on, or the condition of the error. */
type Case = readonly [name: string, input: string | Buffer, outcome: string]

const bytes = (before: string, wrong: readonly number[], after: string): Buffer =>
  Buffer.concat([Buffer.from(before), Buffer.from(wrong), Buffer.from(after)])

/** The cases that were put to a dozen parsers of others when ours was designed, and what RFC 6120 asks for. */
const CASES: readonly Case[] = [
  ['valid stanza', "<message to='a@b'><body>hi</body></message>", "<message to='a@b'><body>hi</body></message>"],
  ['CDATA', '<message><body><![CDATA[<&>]]]]></body></message>', '<message><body>&lt;&amp;&gt;]]</body></message>'],
  ['white space between stanzas', ' \r\n\t <message/>', '<message/>'],
  ['comment', '<message><!-- x --></message>', 'restricted-xml'],
  ['comment hiding a body', '<message><!-- ><body>x</body> --></message>', 'restricted-xml'],
  ['processing instruction', '<message><?php x ?></message>', 'restricted-xml'],
  ['DOCTYPE in stream', '<!DOCTYPE x>', 'restricted-xml'],
  ['<!foo>', '<message><!foo></message>', 'restricted-xml'],
  ['undefined entity', '<message><body>&foo;</body></message>', 'restricted-xml'],
  ['bare &', '<message><body>a & b</body></message>', 'not-well-formed'],
  ['&#0;', '<message><body>&#0;</body></message>', 'not-well-formed'],
  ['&#x1;', '<message><body>&#x1;</body></message>', 'not-well-formed'],
  ['&#xD800;', '<message><body>&#xD800;</body></message>', 'not-well-formed'],
  ['mismatched end tags', '<message><a><b></a></b></message>', 'not-well-formed'],
  ['surplus end tag', '</message>', 'not-well-formed'],
  ['duplicate attribute', "<message to='a' to='b'/>", 'not-well-formed'],
  ['duplicate by namespace', "<message><x xmlns:p='u:u' xmlns:q='u:u' p:a='1' q:a='2'/></message>", 'not-well-formed'],
  ['raw U+0000', '<message><body>\0</body></message>', 'not-well-formed'],
  ['raw U+0001', '<message><body>\x01</body></message>', 'not-well-formed'],
  ['U+FFFE', '<message><body>\ufffe</body></message>', 'not-well-formed'],
  ['UTF-8: byte FF', bytes('<message><body>', [0xff], '</body></message>'), 'unsupported-encoding'],
  ['UTF-8: overlong "<"', bytes('<message><body>', [0xc0, 0xbc], '</body></message>'), 'unsupported-encoding'],
  ['UTF-8: surrogate', bytes('<message><body>', [0xed, 0xa0, 0x80], '</body></message>'), 'unsupported-encoding'],
  ['UTF-8: truncated, eats "<"', bytes('<message><body>', [0xe2], '</body></message>'), 'unsupported-encoding'],
  ['no space between attributes', "<message to='a'from='b'/>", 'not-well-formed'],
  ['unquoted attribute', '<message to=a/>', 'not-well-formed'],
  ['attribute without value', '<message to/>', 'not-well-formed'],
  ['< in attribute', "<message to='<'/>", 'not-well-formed'],
  ['undeclared prefix, element', '<message><p:x/></message>', 'not-well-formed'],
  ['undeclared prefix, attribute', "<message><x p:a='1'/></message>", 'not-well-formed'],
  ["xmlns:p=''", "<message><x xmlns:p=''/></message>", 'not-well-formed'],
  ['xmlns:xml wrong', "<message><x xmlns:xml='u:u'/></message>", 'not-well-formed'],
  ['name <1a/>', '<message><1a/></message>', 'not-well-formed'],
  ['name <a:b:c/>', "<message><a:b:c xmlns:a='u:u'/></message>", 'not-well-formed'],
  ['< a/>', '<message>< a/></message>', 'not-well-formed'],
  ['name <a$b/>', '<message><a$b/></message>', 'not-well-formed'],
  [']]> in text', '<message><body>]]></body></message>', 'not-well-formed'],
  ['end tag with attribute', "<message><body></body a='b'></message>", 'not-well-formed'],
  ['<a/ >', '<message><a/ ></message>', 'not-well-formed'],
  ["<a / b='c'>", "<message><a / b='c'></a></message>", 'not-well-formed'],
  ['second XML declaration', "<?xml version='1.0'?>", 'restricted-xml'],
  ['text between stanzas', 'x', 'bad-format'],
]

const MORE: readonly Case[] = [
  // Characters
  ['U+FFFF', '<message><body>\uffff</body></message>', 'not-well-formed'],
  ['U+FFFE in an attribute', "<message to='\ufffe'/>", 'not-well-formed'],
  ['U+0001 in an attribute', "<message to='\x01'/>", 'not-well-formed'],
  ['U+0001 in CDATA', '<message><![CDATA[\x01]]></message>', 'not-well-formed'],
  ['astral characters', '<message><body>😀</body></message>', '<message><body>😀</body></message>'],
  ['byte order mark in text', '<message><body>\ufeff</body></message>', '<message><body>\ufeff</body></message>'],
  ['byte order mark between stanzas', '\ufeff<message/>', 'bad-format'],
  ['name that is not ASCII', '<message><ä/></message>', 'not-well-formed'],
  ['attribute name that is not ASCII', "<message ä='1'/>", 'not-well-formed'],
  ['UTF-8: beyond U+10FFFF', bytes('<message>', [0xf4, 0x90, 0x80, 0x80], '</message>'), 'unsupported-encoding'],
  ['UTF-8: stray continuation', bytes('<message>', [0x80], '</message>'), 'unsupported-encoding'],
  ['what is wrong first counts', bytes('<message>&;', [0xff], '</message>'), 'not-well-formed'],
  ['what is wrong first counts, bytes', bytes('<message a', [0xff], '$ </message>'), 'unsupported-encoding'],
  // References
  [
    'predefined entities',
    '<message>&lt;&gt;&amp;&apos;&quot;</message>',
    '<message>&lt;&gt;&amp;&apos;&quot;</message>',
  ],
  ['&#x10FFFF; and zeros', '<message>&#x10FFFF;&#00000065;</message>', '<message>&#x10FFFF;&#00000065;</message>'],
  ['&#x110000;', '<message>&#x110000;</message>', 'not-well-formed'],
  ['&#xFFFE;', '<message>&#xFFFE;</message>', 'not-well-formed'],
  ['&#000000065;', '<message>&#000000065;</message>', 'not-well-formed'],
  ['&;', '<message>&;</message>', 'not-well-formed'],
  ['&#;', '<message>&#;</message>', 'not-well-formed'],
  ['&#x;', '<message>&#x;</message>', 'not-well-formed'],
  ['&#X41;', '<message>&#X41;</message>', 'not-well-formed'],
  ['&#1a;', '<message>&#1a;</message>', 'not-well-formed'],
  ['&AMP;', '<message>&AMP;</message>', 'restricted-xml'],
  ['&longer;', '<message>&longer;</message>', 'restricted-xml'],
  ['& at the end of text', '<message>&</message>', 'not-well-formed'],
  ['bare & in an attribute', "<message to='a&b'/>", 'not-well-formed'],
  ['undefined entity in an attribute', "<message to='&nbsp;'/>", 'restricted-xml'],
  ['reference between stanzas', '&#32;', 'bad-format'],
  // CDATA and brackets
  ['CDATA between stanzas', '<![CDATA[ ]]>', 'not-well-formed'],
  ['brackets in text', '<message>]] ]> ]]</message>', '<message>]] ]> ]]</message>'],
  [']]]>', '<message>]]]></message>', 'not-well-formed'],
  ['empty CDATA', '<message><body><![CDATA[]]></body></message>', '<message><body/></message>'],
  [
    'CDATA in CDATA',
    '<message><body><![CDATA[<![CDATA[]]></body></message>',
    '<message><body>&lt;![CDATA[</body></message>',
  ],
  ['lower case CDATA', '<message><![cdata[]]></message>', 'restricted-xml'],
  // Tags
  ['white space in tags', "<message\n to = \t'a' ><a ></a\r></message >", "<message to='a'><a ></a\r></message>"],
  ['quotes in each other', `<message to='"' from="'"/>`, "<message to='&quot;' from='&apos;'/>"],
  ['> in an attribute', "<message><a b='>'/></message>", "<message><a b='>'/></message>"],
  ['< in a tag', '<message <a/>', 'not-well-formed'],
  ['unfinished tag before a tag', '<message to<a/>', 'not-well-formed'],
  ['<>', '<>', 'not-well-formed'],
  ['</>', '<message></></message>', 'not-well-formed'],
  ['<:a/>', '<message><:a/></message>', 'not-well-formed'],
  ['<a:/>', "<message><a: xmlns:a='u:u'/></message>", 'not-well-formed'],
  ['end tag of the stream too early', '<message></stream:stream>', 'not-well-formed'],
  ['end of the stream', '</stream:stream >', 'close'],
  ['white space in the end of the stream', '</ stream:stream>', 'not-well-formed'],
  // Namespaces
  [
    'prefix on a child',
    "<message><p:x xmlns:p='u:u' p:a='1'/></message>",
    "<message><x xmlns='u:u' xmlns:p='u:u' p:a='1'/></message>",
  ],
  [
    'prefix on the stanza',
    "<c:message xmlns:c='jabber:client'><c:body>x</c:body></c:message>",
    '<message><body>x</body></message>',
  ],
  [
    'prefix of the stream header',
    '<message><stream:x/></message>',
    "<message><x xmlns='http://etherx.jabber.org/streams'/></message>",
  ],
  [
    'prefix that hides a default namespace',
    "<message><p:x xmlns:p='u:u'><y/></p:x></message>",
    "<message><x xmlns='u:u'><y xmlns='jabber:client'/></x></message>",
  ],
  [
    'xml:lang',
    "<message xml:lang='de'><body xml:lang='en'/></message>",
    "<message xml:lang='de'><body xml:lang='en'/></message>",
  ],
  ['namespace declared on the stanza', "<message xmlns='jabber:client'><x/></message>", '<message><x/></message>'],
  [
    'namespace declared without need',
    "<message><body xmlns='jabber:client'>x</body></message>",
    '<message><body>x</body></message>',
  ],
  ['namespace with references', "<message><x xmlns='u&#58;u'/></message>", "<message><x xmlns='u:u'/></message>"],
  ['no namespace', "<message><x xmlns=''/></message>", "<message><x xmlns=''/></message>"],
  ['namespace with a blank', "<message><x xmlns='u u'/></message>", 'invalid-xml'],
  ['namespace with a form feed', "<message><x xmlns='u&#12;u'/></message>", 'not-well-formed'],
  ['namespace with a line feed', "<message><x xmlns='u&#10;u'/></message>", 'invalid-xml'],
  ['namespace with a brace', "<message><x xmlns='u}u'/></message>", 'invalid-xml'],
  ['namespace that is not ASCII', "<message><x xmlns:p='ü'/></message>", 'invalid-xml'],
  ['namespace of xmlns', "<message><x xmlns='http://www.w3.org/2000/xmlns/'/></message>", 'not-well-formed'],
  [
    'namespace of xml',
    "<message><a><x xmlns='http://www.w3.org/XML/1998/namespace'/></a></message>",
    'not-well-formed',
  ],
  ['prefix xmlns declared', "<message><x xmlns:xmlns='u:u'/></message>", 'not-well-formed'],
  ['prefix xmlns used', '<message><xmlns:x/></message>', 'not-well-formed'],
  ['prefix xml on an element', '<message><xml:x/></message>', 'bad-namespace-prefix'],
  ['prefix out of scope', "<message><a xmlns:p='u:u'/><p:b/></message>", 'not-well-formed'],
  // What is no stanza
  [
    'other element',
    "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>=</auth>",
    "nonza <auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl'>=</auth>",
  ],
  [
    'error of the peer',
    "<stream:error><x xmlns='u:u'/></stream:error>",
    "nonza <error xmlns='http://etherx.jabber.org/streams'><x xmlns='u:u'/></error>",
  ],
  ['message of another namespace', "<message xmlns='u:u'/>", "nonza <message xmlns='u:u'/>"],
  ['unknown element of the stream', '<Message/>', "nonza <Message xmlns='jabber:client'/>"],
  // Prototypes
  [
    'attributes that objects have anyway',
    "<message __proto__='1' constructor='2'><p:x xmlns:p='u:u' __proto__='3' hasOwnProperty='4' p:__proto__='5'/></message>",
    "<message __proto__='1' constructor='2'><x xmlns='u:u' __proto__='3' hasOwnProperty='4' xmlns:p='u:u' p:__proto__='5'/></message>",
  ],
]

t.test('takes what is XML and refuses what is not, wherever the input is cut', async (t) => {
  for (const [name, input, outcome] of [...CASES, ...MORE]) {
    const whole = Buffer.concat([Buffer.from(HEADER), Buffer.from(input), Buffer.from("<iq type='get' id='after'/>")])
    const expected = record([whole])
    t.equal(expected[0], 'open verona.example', name)
    const got = expected[1] ?? ''
    t.equal(got.replace(/^(stanza|error) /, ''), outcome, name)
    if (!got.startsWith('error') && got !== 'close')
      t.equal(expected.at(-1), "stanza <iq type='get' id='after'/>", name)
    for (const chunks of allCuts(whole)) {
      const events = record(chunks)
      if (String(events) !== String(expected)) t.same(events, expected, `${name}, ${chunks[0]?.length ?? 0}`)
    }
  }
})
