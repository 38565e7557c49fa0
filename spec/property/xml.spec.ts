/** Laws of the scanner, of elements and of stanzas, on generated input. A failure prints the seed to try again with. */
import assert from 'node:assert/strict'
import fc from 'fast-check'
import { parse as parseLeniently } from 'ltx'
import t, { type Test } from 'tap'
import { Broadcast } from '../../server/xml/broadcast.ts'
import { message } from '../../server/xml/build.ts'
import { type Child, type Element, xml } from '../../server/xml/element.ts'
import { clientLimits } from '../../server/xml/limits.ts'
import { NS } from '../../server/xml/ns.ts'
import { parseElement } from '../../server/xml/parse.ts'
import { Scanner, XmlError } from '../../server/xml/scanner.ts'
import { type Head, Stanza } from '../../server/xml/stanza.ts'
import { eachByte, record } from '../server/xml/record.ts'
import { brokenStream, cut, HEADER, legalText, stream } from './xml-arbitrary.ts'
import { readElement, readStream, type Tree } from './xml-reference.ts'

/** By default as many as take a second; more for a night. */
const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 1000)

t.test('the scanner reads what the reference reads, and passes it on with the same meaning', async (t) => {
  let refused = 0
  let taken = 0
  holds(
    t,
    fc.property(fc.oneof(stream, brokenStream), (bytes) => {
      const expected = readStream(bytes)
      assert.deepStrictEqual(scan(bytes), expected, bytes.toString())
      if (expected.isRefused) refused++
      taken += expected.elements.length
    }),
  )
  t.ok(refused > 100, `${refused} streams refused`)
  t.ok(taken > 100, `${taken} elements taken`)
})

t.test('the same comes out wherever the input is cut', async (t) => {
  const limits = { stanzaBytes: 200, depth: 4, elements: 8, attributes: 4 }
  holds(
    t,
    fc.property(cut(fc.oneof(stream, brokenStream)), fc.boolean(), ({ bytes, chunks }, isLimited) => {
      const events = record([bytes], isLimited ? limits : clientLimits)
      assert.deepStrictEqual(record(chunks, isLimited ? limits : clientLimits), events)
      assert.deepStrictEqual(record(eachByte(bytes), isLimited ? limits : clientLimits), events)
    }),
  )
})

t.test('no input makes anything but an XmlError, nor much out of little', async (t) => {
  holds(
    t,
    fc.property(
      fc.oneof(
        brokenStream,
        fc.uint8Array().map((array) => Buffer.from(array)),
      ),
      (bytes) => {
        const events = record([Buffer.from(HEADER), bytes])
        // A namespace of the header may be written for each element and attribute, of which none is shorter than 4 bytes.
        assert.ok(events.length <= 2 + bytes.length / 2)
        assert.ok(events.join('').length <= 200 + bytes.length * 30)
      },
    ),
  )
})

t.test('stanzas say what they carry without being asked to parse it', async (t) => {
  holds(
    t,
    fc.property(stream, (bytes) => {
      for (const stanza of stanzasOf(bytes)) {
        const children = readElement(stanza.toString()).children.filter((child) => typeof child !== 'string')
        assert.deepStrictEqual(
          stanza.refs.map(({ name, ns }) => ({ name, ns })),
          children.map(({ name, ns }) => ({ name, ns })),
        )
        for (const [i, child] of children.entries()) {
          const element = stanza.childAt(i)
          assert.ok(element !== undefined && stanza.has(child.name, child.ns))
          assert.deepStrictEqual(readElement(element.toString()), child)
          assert.deepStrictEqual(readElement(`<x xmlns='urn:elsewhere'>${element.toString()}</x>`).children, [child])
        }
      }
    }),
  )
})

t.test('what leaves is read by others as it is by us', async (t) => {
  holds(
    t,
    fc.property(stream, (bytes) => {
      for (const stanza of stanzasOf(bytes)) {
        const theirs = parseLeniently(stanza.toString())
        assert.deepStrictEqual(
          theirs.getChildElements().map(({ name }) => name),
          stanza.refs.map(({ name }) => name),
        )
      }
    }),
  )
})

const head: fc.Arbitrary<Head> = fc.record(
  { to: legalText, from: legalText, id: legalText, type: legalText, lang: legalText },
  { requiredKeys: [] },
)
const attrs = fc
  .record({ a: legalText, 'xml:lang': legalText, __proto: legalText, constructor: legalText }, { requiredKeys: [] })
  .map((record) =>
    Object.fromEntries(Object.entries(record).map(([key, value]) => [key.replace('__proto', '__proto__'), value])),
  )
const tag = fc.constantFrom('a', 'b', 'body', 'constructor')
const ns = fc.constantFrom('urn:a', 'urn:b', NS.client, '', undefined)
const { tree } = fc.letrec<{ tree: Element }>((tie) => ({
  tree: fc
    .tuple(tag, ns, attrs, fc.array(fc.oneof({ depthSize: 'small' }, legalText, tie('tree')), { maxLength: 4 }))
    .map(([name, xmlns, own, children]) => xml(name, { ...own, xmlns }, ...children)),
}))

t.test('an element that is written and read is the same', async (t) => {
  holds(
    t,
    fc.property(tree, (element) => assert.deepStrictEqual(plain(parseElement(element.toString())), plain(element))),
  )
  // Everything that a string can hold; what XML cannot carry becomes U+FFFD.
  holds(
    t,
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (text, value) => {
      const carried = (string: string): string =>
        string.replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, '\ufffd')
      const written = message({ to: value }, xml('body', {}, text)).toString()
      const [stanza] = stanzasOf(Buffer.from(HEADER + written))
      assert.equal(stanza?.to, carried(value))
      assert.equal(stanza.childText('body') ?? '', carried(text))
    }),
  )
})

t.test('a stanza is a value', async (t) => {
  const stanza = fc
    .tuple(head, fc.array(tree, { maxLength: 4 }))
    .map(([attributes, children]) => message(attributes, ...children))
  holds(
    t,
    fc.property(stanza, head, tree, (before, change, element) => {
      const text = before.toString()
      // with: what is given changes, and nothing else
      const changed = before.with(change)
      assert.deepStrictEqual(headOf(changed), { ...headOf(before), ...change })
      assert.equal(changed.inner, before.inner)
      assert.equal(changed.with(headOf(before)).toString(), text)
      // append and without: what is added goes again
      const marked = before.append(element, xml('mark', { xmlns: 'urn:mark' }))
      assert.equal(marked.refs.length, before.refs.length + 2)
      assert.deepStrictEqual(plain(parseElement(marked.inner.slice(before.inner.length), NS.client)), plain(element))
      assert.equal(marked.without('mark', 'urn:mark').toString(), before.append(element).toString())
      assert.equal(marked.without(({ end }) => end > before.inner.length).toString(), text)
      assert.equal(before.without('mark', 'urn:mark'), before)
      assert.equal(before.without(() => true).inner, '')
      // Written, kept, read and scanned it stays the same.
      assert.equal(before.keep().toString(), text)
      assert.equal(Stanza.parse(text).toString(), text)
      assert.equal(Stanza.parse(before.toElement().toString()).toString(), text)
      assert.deepStrictEqual(stanzasOf(Buffer.from(HEADER + text)).map(String), [text])
      assert.equal(before.toString(), text)
    }),
  )
  holds(
    t,
    fc.property(
      fc.oneof(
        stanza,
        stream.map((bytes) => stanzasOf(bytes)[0] ?? message({})),
      ),
      fc.array(legalText),
      (one, addresses) => {
        const broadcast = new Broadcast(one)
        for (const to of addresses) {
          const copy = readElement(broadcast.for(to).toString())
          assert.deepStrictEqual(copy, readElement(one.with({ to }).toString()))
        }
      },
    ),
  )
})

function holds<Input>(t: Test, law: fc.IProperty<Input>): void {
  fc.assert(law, { numRuns: RUNS })
  t.pass(`held ${RUNS} times`)
}

/** The trees of all that the scanner gives out, from what it would pass on; and whether it refused something. */
function scan(bytes: Buffer): { elements: Tree[]; isClosed: boolean; isRefused: boolean } {
  const elements: Tree[] = []
  const result = { elements, isClosed: false, isRefused: false }
  const take = (item: { toString(): string }): void => void elements.push(readElement(item.toString()))
  const listener = { onOpen: () => {}, onStanza: take, onNonza: take, onClose: () => void (result.isClosed = true) }
  try {
    new Scanner(listener, { framing: 'stream', limits: clientLimits }).write(bytes)
  } catch (error) {
    if (!(error instanceof XmlError)) throw error
    result.isRefused = true
  }
  return result
}

function stanzasOf(bytes: Buffer): Stanza[] {
  const stanzas: Stanza[] = []
  const nothing = (): void => {}
  const listener = {
    onOpen: nothing,
    onStanza: (stanza: Stanza) => void stanzas.push(stanza),
    onNonza: nothing,
    onClose: nothing,
  }
  try {
    new Scanner(listener, { framing: 'stream', limits: clientLimits }).write(bytes)
  } catch (error) {
    if (!(error instanceof XmlError)) throw error
  }
  return stanzas
}

/** An element as data that can be compared. Where a namespace is declared does not matter. */
function plain(element: Element): unknown {
  const own = Object.entries(element.attrs).filter(([name]) => name !== 'xmlns')
  const children: unknown[] = element.children.map((child: Child) => (typeof child === 'string' ? child : plain(child)))
  return { name: element.name, ns: element.ns, attrs: own, children }
}

function headOf({ to, from, id, type, lang }: Stanza): Head {
  return { to, from, id, type, lang }
}
