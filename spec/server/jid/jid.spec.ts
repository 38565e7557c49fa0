import fc from 'fast-check'
import assert from 'node:assert/strict'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import t from 'tap'
import { escapeNode, unescapeNode } from '../../../server/jid/escape.ts'
import { Jid, JidCache, JidError } from '../../../server/jid/jid.ts'
import { nodeprep } from '../../../server/jid/prepare.ts'
import { own } from '../../../server/util/own.ts'
import { anything, of, shown } from './strings.ts'

t.test('reads the parts of an address', (t) => {
  const { node, domain, resource, bare, full } = Jid.parse('Juliet@Capulet.example/Balcony')
  t.strictSame({ node, domain, resource }, { node: 'juliet', domain: 'capulet.example', resource: 'Balcony' })
  t.strictSame({ bare, full }, { bare: 'juliet@capulet.example', full: 'juliet@capulet.example/Balcony' })
  const host = Jid.parse('capulet.example')
  t.equal(host.node, undefined)
  t.equal(host.resource, undefined)
  t.equal(host.full, 'capulet.example')
  t.equal(Jid.parse('capulet.example/a@b').resource, 'a@b', 'an at sign after the slash is of the resource')
  t.equal(Jid.parse('a@b/c/d').resource, 'c/d')
  t.equal(Jid.parse('a@b/／').full, 'a@b//')
  t.equal(String(Jid.parse('A@b/c')), 'a@b/c')
  t.end()
})

t.test('says which part is malformed', (t) => {
  const malformed = [
    ['domain', ['', '@', '/', 'a@', 'a@/b', 'a@b@c', 'a@b c', '/b', 'a@b／c', 'a@b＠c', 'a@.']],
    ['node', ['@b', 'a b@c', 'a:b@c', '\u00ad@b', 'a＠b@c']],
    ['resource', ['a@b/', 'b/\0', 'b/\ud800', 'a@b/\u00ad', `a@b/${'c'.repeat(1024)}`]],
  ] as const
  for (const [part, texts] of malformed) {
    for (const text of texts) {
      t.throws(() => Jid.parse(text), new JidError(part), shown(text))
      t.equal(Jid.tryParse(text), undefined)
      t.throws(() => new JidCache().parse(text), JidError)
      t.equal(new JidCache().tryParse(text), undefined)
    }
  }
  t.end()
})

t.test('makes addresses of addresses', (t) => {
  const jid = Jid.parse('juliet@capulet.example/balcony')
  t.equal(jid.toBare().full, 'juliet@capulet.example')
  t.equal(jid.toBare(), jid.toBare(), 'the same object each time')
  t.equal(jid.toBare().toBare(), jid.toBare())
  t.equal(jid.withResource('Garden ﬁ').full, 'juliet@capulet.example/Garden fi')
  t.equal(jid.withResource(undefined).full, 'juliet@capulet.example')
  t.equal(jid.withNode('Nurse').full, 'nurse@capulet.example')
  t.equal(jid.withNode(undefined).full, 'capulet.example')
  t.throws(() => jid.withResource(''), new JidError('resource'))
  t.throws(() => jid.withNode('a@b'), new JidError('node'))
  t.equal(Jid.from('Romeo', 'Montague.example', 'x').full, 'romeo@montague.example/x')
  t.equal(Jid.from(undefined, 'Montague.example.').full, 'montague.example')
  t.throws(() => Jid.from('romeo', 'a/b'), new JidError('domain'))
  t.ok(jid.equals(Jid.parse('JULIET@capulet.example./balcony')))
  t.notOk(jid.equals(jid.toBare()))
  t.end()
})

t.test('is the same address when read again, and never fails but with JidError', (t) => {
  let read = 0
  const part = fc.option(anything, { nil: undefined })
  fc.assert(
    fc.property(fc.oneof(anything, address(part, anything, part)), (text) => {
      const jid = parsed(text)
      assert.equal(Jid.tryParse(text)?.full, jid?.full)
      if (jid === undefined) return
      read += 1
      for (const { full } of [jid, jid.toBare(), jid.withResource('x'), jid.withNode('x')]) {
        assert.equal(Jid.parse(full).full, full)
      }
      const { node, domain, resource } = Jid.parse(jid.full)
      assert.deepEqual([node, domain, resource], [jid.node, jid.domain, jid.resource])
      assert(Jid.from(node, domain, resource).equals(jid))
    }),
    { numRuns: 3000 },
  )
  t.ok(read > 100, `${read} of 3000 were addresses`)
  t.end()
})

t.test('knows what it read last', (t) => {
  const cache = new JidCache(3)
  const jid = cache.parse('Juliet@capulet.example')
  t.equal(cache.parse('Juliet@capulet.example'), jid)
  t.equal(cache.tryParse('Juliet@capulet.example'), jid)
  t.equal(cache.tryParse('a.example'), cache.parse('a.example'))
  for (const text of ['__proto__@constructor/toString', '__proto__', 'constructor', 'valueof@__proto__']) {
    t.equal(cache.parse(text).full, text)
    t.equal(cache.parse(text), cache.parse(text))
  }
  t.not(cache.parse('Juliet@capulet.example'), jid, 'it was forgotten')
  const long = `a@b/${'c'.repeat(500)}`
  t.not(cache.parse(long), cache.parse(long), 'long ones are not kept')
  t.end()
})

t.test('keeps no chunk alive', (t) => {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc') as () => void
  const cache = new JidCache()
  for (const keep of [own, (text: string) => cache.parse(text), (text: string) => cache.tryParse(text)]) {
    // So that it is compiled as what runs for long is.
    for (let index = 0; index < 20_000; index++) keep(`juliet${index % 50}@capulet.example/balcony`)
    const kept: unknown[] = []
    collect()
    const before = process.memoryUsage().heapUsed
    for (let index = 0; index < 400; index++) {
      const chunk = Buffer.from(`${index}@capulet.example/garden `.repeat(2000)).toString()
      kept.push(keep(chunk.slice(0, chunk.indexOf(' '))))
    }
    collect()
    t.ok(process.memoryUsage().heapUsed - before < 1_000_000, `${keep.name}: less than 400 chunks, which are 12 MB`)
    t.equal(kept.length, 400)
  }
  t.equal(own('ü\ud800 and what else there is'), 'ü\ud800 and what else there is')
  t.end()
})

t.test('escapes what cannot stand in a node (XEP-0106)', (t) => {
  const names: readonly (readonly [string, string])[] = [
    ["d'artagnan", 'd\\27artagnan'],
    ['treville@musketeers.lit', 'treville\\40musketeers.lit'],
    [' "&\'/:<>@\\', '\\20\\22\\26\\27\\2f\\3a\\3c\\3e\\40\\'].map((text) => `x${text}`) as [string, string],
    ['c:\\5commas', 'c\\3a\\5c5commas'],
    ['\\3and\\2is\\5cool', '\\5c3and\\2is\\5c5cool'],
    ['\\2plus\\2is\\4', '\\2plus\\2is\\4'],
    ['foo\\bar', 'foo\\bar'],
    ['foob\\41r', 'foob\\41r'],
    ['\\3A\\5C', '\\3A\\5C'],
    ['plain', 'plain'],
  ]
  for (const [name, node] of names) {
    t.equal(escapeNode(name), node)
    t.equal(unescapeNode(node), name)
  }
  for (const name of [' a', 'a ', ' ']) t.equal(escapeNode(name), undefined, 'no blanks at the ends')
  fc.assert(
    fc.property(fc.string({ unit: of('\\\\ 2567acef0@\'&b"/:<>'), maxLength: 12 }), (name) => {
      const node = escapeNode(name)
      if (node === undefined || node === '') return
      if (unescapeNode(node) !== name) throw new Error(`${node} is read as ${unescapeNode(node)}`)
      if (nodeprep(node) !== node) throw new Error('it is not a node')
    }),
    { numRuns: 2000 },
  )
  t.end()
})

function address(
  node: fc.Arbitrary<string | undefined>,
  domain: fc.Arbitrary<string>,
  resource: fc.Arbitrary<string | undefined>,
): fc.Arbitrary<string> {
  return fc
    .tuple(node, domain, resource)
    .map(([n, d, r]) => `${n === undefined ? '' : `${n}@`}${d}${r === undefined ? '' : `/${r}`}`)
}

function parsed(text: string): Jid | undefined {
  try {
    return Jid.parse(text)
  } catch (error) {
    if (error instanceof JidError) return undefined
    throw error
  }
}
