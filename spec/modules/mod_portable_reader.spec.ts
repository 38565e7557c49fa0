/** Files of accounts are read as they come, wherever they are divided, and whatever is in them. */
import fc from 'fast-check'
import t from 'tap'
import { PortableReader } from '../../modules/mod_portable/reader.ts'
import { XmlError } from '../../server/xml/xml-error.ts'

const FILE = `<?xml version='1.0'?>
<!-- a > b --><server-data xmlns='urn:xmpp:pie:0' xmlns:p="urn:p">
 <host jid='localhost'><user name='romeo' password='&lt;1&gt;'>
  <vCard xmlns='vcard-temp'><FN a="1>2">R &amp; J</FN></vCard><p:x/>
  <offline-messages><message xmlns='jabber:client' from='a@b'><body><![CDATA[<>]]></body></message></offline-messages>
  <archive xmlns='urn:xmpp:pie:0#mam'/>
 </user><user name='🌹'/></host>
</server-data>
`

function read(chunks: readonly string[]): readonly unknown[] {
  const reader = new PortableReader()
  const pieces = chunks.flatMap((chunk) => [...reader.read(chunk)])
  reader.end()
  return pieces.map(({ attrs, element, ...rest }) => ({ ...rest, attrs: [...attrs], element: element?.toString() }))
}

t.test('the same is read however a file is divided', (t) => {
  const whole = read([FILE])
  t.match(whole, [
    { host: 'localhost', user: 'romeo', attrs: [{}, ['password', '<1>']], element: undefined },
    { element: `<vCard xmlns='vcard-temp'><FN a='1&gt;2'>R &amp; J</FN></vCard>`, list: undefined },
    { element: `<x xmlns='urn:p'/>` },
    { list: 'offline-messages', element: /<body>&lt;&gt;<\/body>/ },
    { user: '🌹', element: undefined },
  ])
  fc.assert(
    fc.property(fc.array(fc.nat(FILE.length), { maxLength: 20 }), (places) => {
      const cuts = [0, ...places.toSorted((a, b) => a - b), FILE.length]
      const chunks = cuts.slice(1).map((cut, i) => FILE.slice(cuts[i], cut))
      return JSON.stringify(read(chunks)) === JSON.stringify(whole)
    }),
  )
  t.end()
})

t.test('what is broken is read or refused', (t) => {
  const anyDamage = fc.record({
    from: fc.nat(FILE.length),
    length: fc.nat(40),
    instead: fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.constantFrom('<', '>', '</user>', '<!--', "'", '&a;', '\0', '<a:b>'),
    ),
  })
  fc.assert(
    fc.property(fc.array(anyDamage, { maxLength: 3 }), (damages) => {
      let text = FILE
      for (const { from, length, instead } of damages) text = text.slice(0, from) + instead + text.slice(from + length)
      try {
        read([text])
      } catch (error) {
        return error instanceof XmlError
      }
      return true
    }),
    { numRuns: 2000 },
  )
  t.end()
})
