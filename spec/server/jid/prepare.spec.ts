import fc from 'fast-check'
import { createHash } from 'node:crypto'
import t from 'tap'
import { prepareDomain } from '../../../server/jid/domain.ts'
import { nameprep, nodeprep, resourceprep } from '../../../server/jid/prepare.ts'
import { digests, neighbours } from './digests.ts'
import { anything, shown } from './strings.ts'

const profiles = { node: nodeprep, resource: resourceprep, name: nameprep } as const

t.test('agrees with the tables of Python on each code point, alone and with others', (t) => {
  for (const profile of ['node', 'resource', 'name'] as const) {
    for (const unassigned of ['allowed', 'refused'] as const) {
      t.equal(
        digest((text) => profiles[profile](text, unassigned)),
        digests[profile][unassigned],
        profile,
      )
    }
  }
  t.end()
})

t.test('folds, composes and drops', (t) => {
  const nodes: readonly (readonly [string, string])[] = [
    ['Juliet', 'juliet'],
    ['~Juliet~', '~juliet~'],
    ['JÜLIET', 'jüliet'],
    ['u\u0308', 'ü'],
    ['Straße', 'strasse'],
    ['ΣΊΣΥΦΟΣ', 'σίσυφοσ'],
    ['İ', 'i\u0307'],
    ['ﬃ', 'ffi'],
    ['Ⅷ', 'viii'],
    ['ｊｕｌｉｅｔ', 'juliet'],
    ['ju\u00adli\u200bet', 'juliet'],
    ['\u1100\u1161\u11a8', '각'],
    // Only together are they a sign that no node could contain.
    ['a<\u0338', 'a≮'],
    // Georgian had no capitals to fold in Unicode 3.2.
    ['Ⴀ', 'Ⴀ'],
    // A mistake of Unicode 3.2, which an address keeps.
    ['\u{2f868}', '\u{2136a}'],
  ]
  for (const [written, prepared] of nodes) t.equal(nodeprep(written), prepared, shown(written))
  t.equal(resourceprep('Juliet’s ﬁne Phone'), 'Juliet’s fine Phone', 'resources keep their capitals and blanks')
  t.end()
})

t.test('refuses what has no place in an address', (t) => {
  for (const text of ['a b', 'a\u00a0b', 'a@b', 'a＠b', 'a/b', 'a:b', 'a&b', '<a>', '"a"', "'a'", 'a\u2028b']) {
    t.equal(nodeprep(text), undefined, shown(text))
  }
  for (const text of [
    '',
    '\0',
    'a\tb',
    '\x7f',
    '\ue000',
    '\ufffd',
    '\ufffe',
    '\ud800',
    'a\udc00',
    '\u200e',
    '\u{e0041}',
  ]) {
    t.equal(nodeprep(text), undefined, shown(text))
    t.equal(resourceprep(text), undefined, shown(text))
  }
  for (const text of ['\u00ad', '\u200d\u200c']) t.equal(resourceprep(text), undefined, 'nothing is left of it')
  t.end()
})

t.test('keeps to one direction of writing', (t) => {
  for (const text of ['שלום', 'شمس', 'ש1ש', '\u05d0\u0750', 'ݐ']) t.equal(nodeprep(text), text, shown(text))
  for (const text of ['שa', 'aש', 'ש1', '1ש', 'שaש']) t.equal(nodeprep(text), undefined, shown(text))
  t.equal(nodeprep('\u05d0\u0750', 'refused'), undefined, 'the letter at the end is unassigned')
  t.end()
})

t.test('takes code points that Unicode 3.2 did not have as they are, or refuses them', (t) => {
  for (const text of ['😀', 'Juliet 🌹', 'ꙀЯ', '\u05a2\u1dc7']) {
    t.equal(resourceprep(text), text)
    t.equal(resourceprep(text, 'refused'), undefined)
  }
  t.equal(resourceprep('👩‍🚀 ❤️'), '👩🚀 ❤', 'joiners and selectors are dropped, as elsewhere')
  t.equal(resourceprep('e\u0301😀e\u0301'), 'é😀é', 'what is around them is composed')
  t.equal(resourceprep('🌹\u{1d7d8}', 'allowed'), '🌹0')
  t.equal(nodeprep('Ⴀ', 'refused'), 'Ⴀ')
  t.equal(resourceprep('Juliet', 'refused'), 'Juliet')
  t.end()
})

t.test('has a limit in bytes', (t) => {
  t.equal(nodeprep('a'.repeat(1023)), 'a'.repeat(1023))
  t.equal(nodeprep('a'.repeat(1024)), undefined)
  t.equal(resourceprep('ü'.repeat(511)), 'ü'.repeat(511))
  t.equal(resourceprep('ü'.repeat(512)), undefined)
  t.equal(resourceprep('\ufdfa'.repeat(32)), undefined, 'each becomes eighteen')
  t.equal(prepareDomain(`${'a.'.repeat(511)}bc`), undefined)
  t.equal(prepareDomain(`${'ü.'.repeat(400)}b`), undefined)
  t.equal(prepareDomain(`${'a.'.repeat(511)}b`), `${'a.'.repeat(511)}b`)
  t.end()
})

t.test('prepares domains', (t) => {
  const domains: readonly (readonly [string, string])[] = [
    ['Capulet.Example', 'capulet.example'],
    ['capulet.example.', 'capulet.example'],
    ['localhost', 'localhost'],
    ['xmpp_server', 'xmpp_server'],
    ['MÜNCHEN.example', 'münchen.example'],
    ['straße.example', 'strasse.example'],
    ['a。b．c｡', 'a.b.c'],
    ['שלום.example', 'שלום.example'],
    ['😀.example', '😀.example'],
    ['xn--mnchen-3ya.example', 'xn--mnchen-3ya.example'],
    ['192.0.2.1', '192.0.2.1'],
    ['[2001:DB8::1]', '[2001:db8::1]'],
    [`${'a'.repeat(63)}.example`, `${'a'.repeat(63)}.example`],
  ]
  for (const [written, prepared] of domains) t.equal(prepareDomain(written), prepared, shown(written))
  t.equal(prepareDomain('😀.example', 'refused'), undefined)
  for (const text of [
    '',
    '.',
    'a..b',
    '.a',
    'a..',
    '-a',
    'a-.b',
    'a b',
    'a:5222',
    'a/b',
    'a／b',
    'a＠b',
    '\u00ad',
    'a%41',
  ]) {
    t.equal(prepareDomain(text), undefined, shown(text))
  }
  for (const text of [
    '::1',
    '[]',
    '[::1',
    '[192.0.2.1]',
    '[fe80::1%25eth0]',
    '[fe80::1%eth0]',
    '[::1].a',
    'שaש.example',
  ]) {
    t.equal(prepareDomain(text), undefined, shown(text))
  }
  for (const text of ['a'.repeat(64), 'ü'.repeat(60), 'xn--ü', '…', 'a⒈b', '\u0301a']) {
    t.equal(prepareDomain(text), undefined, `${shown(text)} has no form in ASCII`)
  }
  t.end()
})

t.test('has nothing to do a second time', (t) => {
  for (const prepare of [nodeprep, resourceprep, nameprep, prepareDomain]) {
    for (const unassigned of ['allowed', 'refused'] as const) {
      fc.assert(
        fc.property(anything, (text) => {
          const once = prepare(text, unassigned)
          if (once === undefined) return
          if (prepare(once, unassigned) !== once) throw new Error(`${prepare.name} has more to do`)
          if (once === '' || Buffer.byteLength(once) > 1023) throw new Error('too short or too long')
        }),
        { numRuns: 500 },
      )
    }
  }
  t.end()
})

/** As scripts/unicode.py does it. */
function digest(prepare: (text: string) => string | undefined): string {
  const hash = createHash('sha256')
  for (const text of strings()) hash.update(`${prepare(text) ?? '-'}\n`)
  return hash.digest('hex')
}

function* strings(): Generator<string> {
  yield* characters([1, 0x3_0000], [0xe_0000, 0xe_0200])
  const others = Array.from(neighbours)
  const uneven = characters(
    [1, 0x3400],
    [0xa000, 0xa500],
    [0xf900, 0x1_1000],
    [0x1_d100, 0x1_d800],
    [0x2_f800, 0x2_fa20],
  )
  for (const character of uneven) {
    const neighbour = others[character.codePointAt(0)! % others.length]!
    yield `e${character}${neighbour}`
    yield `${character}${neighbour}`
    yield `\u05d0${character}${neighbour}`
  }
}

function* characters(...ranges: readonly (readonly [number, number])[]): Generator<string> {
  for (const [start, end] of ranges) {
    for (let code = start; code < end; code++) {
      if (code < 0xd800 || code >= 0xe000) yield String.fromCodePoint(code)
    }
  }
}
