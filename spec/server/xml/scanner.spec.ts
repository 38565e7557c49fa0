/** How streams open, stop, start again and close, and how much of them we take. */
import t from 'tap'
import { clientLimits } from '../../../server/xml/limits.ts'
import { NS } from '../../../server/xml/ns.ts'
import { Scanner, XmlError } from '../../../server/xml/scanner.ts'
import { allCuts, eachByte, HEADER, OPEN, record, recorder } from './record.ts'

const bytes = (text: string): Buffer => Buffer.from(text)

/** The condition that something is refused with. */
function conditionOf(run: () => void): string | undefined {
  try {
    run()
    return undefined
  } catch (error) {
    return error instanceof XmlError ? error.condition : String(error)
  }
}

function streaming(overrides: Partial<ReturnType<typeof recorder>> = {}): { scanner: Scanner; events: string[] } {
  const listener = { ...recorder(), ...overrides }
  return { scanner: new Scanner(listener, { framing: 'stream', limits: clientLimits }), events: listener.events }
}

t.test('stream headers', async (t) => {
  const stream = (attributes: string): string => `<stream:stream ${attributes}>`
  const both = `xmlns='jabber:client' xmlns:stream='${NS.stream}'`
  const cases: readonly (readonly [name: string, input: string, outcome: string])[] = [
    ['usual', stream(`${both} to='a'`), 'open a'],
    ['with a declaration', `<?xml version='1.0'?>${stream(`${both} to='a'`)}`, 'open a'],
    [
      'with all of a declaration',
      `<?xml version="1.0" encoding="utf-8" standalone='yes' ?>\n${stream(`${both} to='a'`)}`,
      'open a',
    ],
    ['after white space', ` \n${stream(`${both} to='a'`)}`, 'open a'],
    ['another prefix', `<s:stream xmlns='jabber:client' xmlns:s='${NS.stream}' to='a'>`, 'open a'],
    ['without prefixes', `<stream xmlns='${NS.stream}' to='a'>`, 'open a'],
    ['wrong namespace of the stream', stream(`xmlns='jabber:client' xmlns:stream='urn:a'`), 'error invalid-namespace'],
    ['no namespace', `<stream to='a'>`, 'error invalid-namespace'],
    ['missing prefix', `<stream ${both}>`, 'error bad-namespace-prefix'],
    ['undeclared prefix', stream(`xmlns='jabber:client'`), 'error not-well-formed'],
    [
      'wrong namespace of stanzas',
      stream(`xmlns='jabber:server' xmlns:stream='${NS.stream}'`),
      'error invalid-namespace',
    ],
    ['no stream', `<stream:other ${both}>`, 'error bad-format'],
    ['empty', `<stream:stream ${both}/>`, 'error bad-format'],
    ['a stanza first', `<message xmlns='jabber:client'/>`, 'error bad-format'],
    ['http', 'GET / HTTP/1.1\r\n', 'error not-well-formed'],
    ['TLS', '\x16\x03\x01\x02', 'error not-well-formed'],
    ['byte order mark', `\ufeff${stream(both)}`, 'error not-well-formed'],
    ['declaration after white space', ` <?xml version='1.0'?>${stream(both)}`, 'error restricted-xml'],
    ['two declarations', `<?xml version='1.0'?><?xml version='1.0'?>${stream(both)}`, 'error restricted-xml'],
    ['other instruction', `<?php?>${stream(both)}`, 'error restricted-xml'],
    ['comment', `<!---->${stream(both)}`, 'error restricted-xml'],
    ['DOCTYPE', `<!DOCTYPE stream>${stream(both)}`, 'error restricted-xml'],
    ['encoding', `<?xml version='1.0' encoding='latin1'?>${stream(both)}`, 'error unsupported-encoding'],
    ['XML 2.0', `<?xml version='2.0'?>${stream(both)}`, 'error not-well-formed'],
    ['endless declaration', `<?xml version='1.0'${' '.repeat(300)}?>${stream(both)}`, 'error not-well-formed'],
    ['end before the start', '</stream:stream>', 'error not-well-formed'],
    ['UTF-16', '\0<\0?', 'error not-well-formed'],
  ]
  for (const [name, input, outcome] of cases) {
    for (const chunks of allCuts(bytes(input))) {
      const events = record(chunks)
      if (events.join() !== outcome) t.same(events, [outcome], `${name}, ${chunks[0]?.length ?? 0}`)
    }
    t.pass(name)
  }

  const { scanner } = streaming({
    onOpen: (header) => {
      t.equal(header.ns, NS.stream)
      t.equal(header.name, 'stream')
      t.same(Object.entries(header.attrs), [
        ['xmlns', 'jabber:client'],
        ['xmlns:stream', NS.stream],
        ['xml:lang', 'de'],
        ['foo', '<'],
      ])
      t.same(header.children, [])
    },
  })
  scanner.write(bytes(stream(`${both} xml:lang='de' foo='&lt;'`)))
})

t.test('streams between servers', async (t) => {
  const header = `<stream:stream xmlns='jabber:server' xmlns:db='jabber:server:dialback' xmlns:stream='${NS.stream}' to='a'>`
  const input = `${header}<db:result to='a'>k</db:result><message><body>x</body><y xmlns='urn:a'/></message>
    <message><body xmlns='jabber:server'>x</body><y xmlns='urn:a'><z xmlns='jabber:server'/></y></message>
    <message xmlns='jabber:server'><forwarded xmlns='urn:f'><message xmlns='jabber:client'/></forwarded></message>`
  t.same(record([bytes(input)], clientLimits, { contentNamespaces: ['jabber:server'] }), [
    'open a',
    "nonza <result xmlns='jabber:server:dialback' to='a'>k</result>",
    "stanza <message><body>x</body><y xmlns='urn:a'/></message>",
    '{jabber:client}body=<body>x</body>',
    "{urn:a}y=<y xmlns='urn:a'/>",
    "stanza <message><body>x</body><y xmlns='urn:a'><z xmlns='jabber:server'/></y></message>",
    '{jabber:client}body=<body>x</body>',
    "{urn:a}y=<y xmlns='urn:a'><z xmlns='jabber:server'/></y>",
    "stanza <message><forwarded xmlns='urn:f'><message xmlns='jabber:client'/></forwarded></message>",
    "{urn:f}forwarded=<forwarded xmlns='urn:f'><message xmlns='jabber:client'/></forwarded>",
  ])
})

t.test('frames (RFC 7395)', async (t) => {
  const cases: readonly (readonly [name: string, frames: readonly string[], outcome: readonly string[]])[] = [
    [
      'a session',
      [OPEN, "<message xmlns='jabber:client'><body>x</body></message>", `<close xmlns='${NS.framing}'/>`],
      [
        'open verona.example',
        'stanza <message><body>x</body></message>',
        '{jabber:client}body=<body>x</body>',
        'close',
      ],
    ],
    ['no namespace', [OPEN, '<message/>'], ['open verona.example', 'stanza <message/>']],
    ['white space', [OPEN, ' ', '', '\n<message/>\n'], ['open verona.example', 'stanza <message/>']],
    ['two in one', [OPEN, '<message/><iq/>'], ['open verona.example', 'stanza <message/>', 'error bad-format']],
    ['one in two', [OPEN, '<message>', '</message>'], ['open verona.example', 'error not-well-formed']],
    ['text', [OPEN, 'x'], ['open verona.example', 'error bad-format']],
    ['text behind', [OPEN, '<message/>x'], ['open verona.example', 'stanza <message/>', 'error bad-format']],
    ['declaration', [`<?xml version='1.0'?>${OPEN}`], ['error restricted-xml']],
    ['stanza first', ["<message xmlns='jabber:client'/>"], ['error bad-format']],
    ['stream header', [HEADER], ['error not-well-formed']],
    ['open again', [OPEN, OPEN], ['open verona.example', 'error bad-format']],
    ['undeclared stream prefix', [OPEN, '<stream:error/>'], ['open verona.example', 'error not-well-formed']],
    ['half a character', [OPEN, '<message>\ud800</message>'], ['open verona.example', 'error unsupported-encoding']],
    ['end tag', [OPEN, '</stream:stream>'], ['open verona.example', 'error not-well-formed']],
  ]
  for (const [name, frames, outcome] of cases) t.same(record(frames, clientLimits, { framing: 'frame' }), outcome, name)
})

t.test('frames may be bytes', async (t) => {
  const frames = [OPEN, '<message><body>é</body></message>'].map(bytes)
  t.same(record(frames, clientLimits, { framing: 'frame' })[1], 'stanza <message><body>é</body></message>')
  frames[1] = Buffer.concat([bytes('<message/>'), Buffer.of(0xc3)])
  t.same(record(frames, clientLimits, { framing: 'frame' })[2], 'error unsupported-encoding')
})

t.test('stops where it is told to, and goes on from there', async (t) => {
  const input = bytes(`${HEADER}<iq id='1'/><r xmlns='urn:sm'/><iq id='2'/></stream:stream>`)
  for (const chunks of allCuts(input)) {
    const { scanner, events } = streaming({ onNonza: () => scanner.suspend() })
    for (const chunk of chunks) scanner.write(chunk)
    t.same(events, ['open verona.example', "stanza <iq id='1'/>"])
    t.equal(scanner.pending, true)
    scanner.resume()
    t.same(events.slice(2), ["stanza <iq id='2'/>", 'close'])
    t.equal(scanner.pending, false)
  }

  const { scanner, events } = streaming()
  scanner.suspend()
  scanner.write(bytes(HEADER))
  scanner.write(bytes('<iq/>'))
  scanner.write(Buffer.of(0xff))
  t.same(events, [], 'nothing is read')
  t.equal(
    conditionOf(() => scanner.resume()),
    'unsupported-encoding',
  )
  t.same(events, ['open verona.example', 'stanza <iq/>'], 'what came before an error is given out')
  scanner.write(bytes('<iq/>'))
  scanner.resume()
  t.equal(events.length, 2, 'and nothing after it')
})

t.test('knows what was sent behind an element (RFC 6120 §5.4.3.3)', async (t) => {
  const starttls = "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>"
  const behind: readonly (readonly [rest: readonly Buffer[], pending: boolean])[] = [
    [[], false],
    [[bytes(' \n')], false],
    [[bytes('<iq/>')], true],
    [[bytes(' '), bytes('<')], true],
    [[bytes(' '), bytes(' ')], false],
    [[bytes('  x')], true],
    [[Buffer.of(0xe2)], true],
    [[Buffer.of(0xff)], true],
  ]
  for (const [rest, pending] of behind) {
    const { scanner, events } = streaming({ onNonza: () => scanner.suspend() })
    scanner.write(Buffer.concat([bytes(HEADER + starttls), ...rest.slice(0, 1)]))
    for (const chunk of rest.slice(1)) scanner.write(chunk)
    t.same(events, ['open verona.example'])
    t.equal(scanner.pending, pending, String(rest))
  }
})

t.test('reads a new stream on the same wire (RFC 6120 §6.4.6)', async (t) => {
  const auth = "<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl'/>"
  for (const between of ['', '\n', "<?xml version='1.0'?>", " <?xml version='1.0'?>\n"]) {
    const input = bytes(`<?xml version='1.0'?>${HEADER}${auth}${between}${HEADER}<iq/></stream:stream>`)
    for (const chunks of allCuts(input)) {
      const { scanner, events } = streaming({ onNonza: () => scanner.restart() })
      for (const chunk of chunks) scanner.write(chunk)
      if (events.length !== 4) t.same(events, ['open verona.example', 'open verona.example', 'stanza <iq/>', 'close'])
    }
    t.pass(JSON.stringify(between))
  }
  const { scanner, events } = streaming({ onNonza: () => scanner.suspend() })
  scanner.write(bytes(`${HEADER.replace('xmlns:', "xmlns:p='urn:a' xmlns:")}${auth}`))
  scanner.restart()
  scanner.resume()
  t.equal(
    conditionOf(() => scanner.write(bytes('<iq/>'))),
    'bad-format',
    'and nothing but a header',
  )
  t.same(events, ['open verona.example'])

  const again = streaming({ onNonza: () => again.scanner.restart() })
  again.scanner.write(bytes(`${HEADER.replace('xmlns:', "xmlns:p='urn:a' xmlns:")}${auth}${HEADER}`))
  t.equal(
    conditionOf(() => again.scanner.write(bytes('<p:x/>'))),
    'not-well-formed',
    'prefixes do not outlive their stream',
  )

  const framed = recorder()
  const frames = new Scanner({ ...framed, onNonza: () => frames.restart() }, { framing: 'frame', limits: clientLimits })
  for (const frame of [OPEN, auth, OPEN, '<iq/>']) frames.writeText(frame)
  t.same(framed.events, ['open verona.example', 'open verona.example', 'stanza <iq/>'])
})

t.test('takes input that comes while it is at work', async (t) => {
  const { scanner, events } = streaming({
    onNonza: () => {
      events.push('outer')
      scanner.write(bytes("<iq id='3'/>"))
      scanner.suspend()
      scanner.resume()
      events.push('still outer')
    },
  })
  scanner.write(bytes(`${HEADER}<iq id='1'/><r xmlns='urn:a'/><iq id='2'/>`))
  t.same(events.slice(1), ["stanza <iq id='1'/>", 'outer', 'still outer', "stanza <iq id='2'/>", "stanza <iq id='3'/>"])
})

t.test('is deaf after an error, also of a listener', async (t) => {
  for (const thrown of [new Error('from a listener'), new XmlError('bad-format', 'x')]) {
    const { scanner, events } = streaming({
      onNonza: () => {
        throw thrown
      },
    })
    t.throws(() => scanner.write(bytes(`${HEADER}<r xmlns='urn:a'/><iq/>`)), thrown)
    scanner.write(bytes('<iq/>'))
    t.same(events, ['open verona.example'])
  }
  const events = record([bytes(`${HEADER}<iq/></stream:stream>\n`), bytes(' '), bytes('<iq/>')])
  t.same(events, ['open verona.example', 'stanza <iq/>', 'close', 'error not-well-formed'])
})

t.test('limits', async (t) => {
  const limits = { stanzaBytes: 120, depth: 3, elements: 5, attributes: 2 }
  const header = `<stream:stream xmlns:stream='${NS.stream}' xmlns='jabber:client'>`
  const cases: readonly (readonly [name: string, inside: string, outside: string])[] = [
    ['bytes', `<message>${'x'.repeat(101)}</message>`, `<message>${'x'.repeat(102)}</message>`],
    ['bytes of two', `<message>${'é'.repeat(50)}</message>`, `<message>${'é'.repeat(51)}</message>`],
    ['bytes of four', `<message>${'😀'.repeat(25)}</message>`, `<message>${'😀'.repeat(26)}</message>`],
    ['bytes that go on', '<message>', `<message>${'x'.repeat(112)}`],
    ['bytes of a tag', `<message to='${'x'.repeat(104)}'/>`, `<message to='${'x'.repeat(105)}'/>`],
    ['bytes of an endless tag', `<message to='${'x'.repeat(107)}`, `<message to='${'x'.repeat(108)}`],
    ['bytes before an error', `<message>${'x'.repeat(110)}`, `<message>${'x'.repeat(111)}&;`],
    ['bytes of a faulty tag', '<message>', `<message $ to='${'x'.repeat(108)}'/>`],
    ['depth', '<message><a><b/></a></message>', '<message><a><b><c/></b></a></message>'],
    ['depth of what follows', '<message><a/><a/></message>', '<iq/><iq/><iq/><iq><a><a><a/></a></a></iq>'],
    ['elements', '<message><a/><a/><a/><a/></message><iq/>', '<message><a/><a/><a/><a/><a/></message>'],
    ['attributes', "<message a='' b=''/>", "<message a='' b='' c=''/>"],
  ]
  for (const [name, inside, outside] of cases) {
    t.not(record([bytes(header + inside)], limits).at(-1), 'error policy-violation', name)
    for (const chunks of allCuts(bytes(header + outside))) {
      const events = record(chunks, limits)
      if (events.at(-1) !== 'error policy-violation') t.same(events, [], `${name}, ${chunks[0]?.length ?? 0}`)
    }
    t.pass(name)
  }

  const longName = 'x'.repeat(257)
  t.same(record([bytes(`${HEADER}<message ${longName}='1'/>`)]).at(-1), 'error policy-violation', 'names')
  t.same(
    record([bytes(`${HEADER}<message><x xmlns='${longName}'/></message>`)]).at(-1),
    'error policy-violation',
    'namespaces',
  )
  const prefixes = Array.from({ length: 65 }, (_, i) => `xmlns:p${i}='urn:${i}'`).join(' ')
  t.same(record([bytes(`${HEADER}<message ${prefixes}/>`)]).at(-1), 'error policy-violation', 'prefixes')
  const header200 = HEADER.replace('xmlns:', `xmlns:p='${'x'.repeat(200)}' xmlns:`)
  t.same(
    record([bytes(`${header200}<message>${'<p:a/>'.repeat(2000)}</message>`)]).at(-1),
    'error policy-violation',
    'amplification',
  )

  const { scanner, events } = streaming()
  scanner.limits = { ...clientLimits, stanzaBytes: 200 }
  scanner.write(bytes(HEADER))
  scanner.limits = { ...limits, elements: 1 }
  scanner.write(bytes('<iq/>'))
  t.equal(
    conditionOf(() => scanner.write(bytes('<iq><a/></iq>'))),
    'policy-violation',
  )
  scanner.limits = clientLimits
  t.equal(events.length, 2)
  t.equal(scanner.limits, clientLimits)
})

t.test('white space between stanzas costs nothing and does not add up', async (t) => {
  const limits = { ...clientLimits, stanzaBytes: 150 }
  t.same(record([...eachByte(bytes(HEADER + ' \n'.repeat(1000))), bytes('<iq/>')], limits).slice(1), ['stanza <iq/>'])
})

t.test('what trickles in takes time in proportion', async (t) => {
  const size = 200_000
  const tokens: readonly (readonly [start: string, goesOn: string])[] = [
    ['<message><body>', 'a'],
    ['<message><body>', 'ü'],
    ['<message><body>', '&amp;'],
    ['<message>', ']'],
    ["<message to='", 'a'],
    ["<message to='", '>'],
    ['<message', ' '],
    ['<message', " a='"],
    ['<message></message', ' '],
    ['<message><![CDATA[', ']'],
    ['<message><![CDATA[', '<'],
    ['<', 'a'],
    ['</', 'a'],
    ['', ' '],
  ]
  for (const [start, goesOn] of tokens) {
    const { scanner } = streaming()
    scanner.write(bytes(HEADER))
    const chunks = eachByte(bytes(start + goesOn.repeat(size / Buffer.byteLength(goesOn))))
    const began = performance.now()
    const condition = conditionOf(() => {
      for (const chunk of chunks) scanner.write(chunk)
    })
    t.ok(condition === undefined || condition === 'policy-violation')
    // It takes 50 ms. Were all that has come looked at again each time, it would be more than ten seconds.
    t.ok(performance.now() - began < 2000, `${start}${goesOn}`)
  }
})
