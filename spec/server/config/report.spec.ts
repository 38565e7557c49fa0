import fc from 'fast-check'
import t from 'tap'
import { loadConfig } from '../../../server/config/config.ts'
import { readDocument } from '../../../server/config/document.ts'
import { plainOf, type Problem } from '../../../server/config/node.ts'
import { report } from '../../../server/config/report.ts'
import { declarations } from './declarations.ts'

/** Broken YAML, and the whole of what is said about it. */
const broken: Readonly<Record<string, readonly [string, string]>> = {
  'a tab': [
    'log:\n\tlevel: info',
    `x.yaml:2:1: a tab cannot indent; use spaces
    2 | 	level: info
      | ^`,
  ],
  'an option twice': [
    'data: here\nlog: { level: info }\ndata: there',
    `x.yaml:3:1: data is already set on line 1
    3 | data: there
      | ^^^^`,
  ],
  'an open list': [
    'listen: { c2s: [5222, 5223 }',
    `x.yaml:1:28: the list [ … is not closed with ]
    1 | listen: { c2s: [5222, 5223 }
      |                            ^`,
  ],
  'an open quote': [
    'data: "here',
    `x.yaml:1:12: the quoted text is not closed
    1 | data: "here
      |            ^`,
  ],
  'two colons': [
    'data: C: disk',
    `x.yaml:1:7: this looks like an option inside a value; quote the value, or correct the indentation
    1 | data: C: disk
      |       ^`,
  ],
  'a name without a colon': [
    'data: here\nlog',
    `x.yaml:2:1: expected ":" and a value after this name
    2 | log
      | ^^^`,
  ],
  'two documents': [
    'data: here\n---\ndata: there',
    `x.yaml:2:1: a second document begins here; a config has one
    2 | ---
      | ^^^`,
  ],
  'an unknown alias': [
    'data: *here',
    `x.yaml:1:7: there is no &here before this *here
    1 | data: *here
      |       ^^^^^`,
  ],
  'an alias of itself': [
    'data: &here [*here]',
    `x.yaml:1:13: sections are nested too deeply
    1 | data: &here [*here]
      |             ^`,
  ],
  'a tag': [
    'data: !path here',
    `x.yaml:1:7: tags (!…) have no meaning here
    1 | data: !path here
      |       ^^^^^`,
  ],
  'a merge': [
    '<<: { a: 1 }',
    `x.yaml:1:1: sections cannot be merged with <<
    1 | <<: { a: 1 }
      | ^^`,
  ],
  'a prototype': [
    '__proto__: 1',
    `x.yaml:1:1: this name cannot be used
    1 | __proto__: 1
      | ^^^^^^^^^`,
  ],
  'a list as a name': [
    '? [a]\n: 1',
    `x.yaml:1:3: the name of an option is a word
    1 | ? [a]
      |   ^`,
  ],
}

t.test('broken YAML is explained where it is broken', async (t) => {
  for (const [name, [text, expected]] of Object.entries(broken)) {
    t.equal(report(readDocument('x.yaml', text).problems, text), expected, name)
  }
})

t.test('what is written is read', async (t) => {
  const text = '\ufeff# comment\r\na: &x [1, two, true]\r\nb: *x\r\n5222: yes\r\nc: ~\r\nd:\r\n  - e: "f"\r\n'
  const { root, problems } = readDocument('x.yaml', text)
  t.same(problems, [])
  t.same(plainOf(root), { a: [1, 'two', true], b: [1, 'two', true], 5222: 'yes', c: undefined, d: [{ e: 'f' }] })
})

t.test('sizes have limits', async (t) => {
  const said = (text: string): readonly string[] => readDocument('x.yaml', text).problems.map(({ message }) => message)
  const letters = Array.from('abcdefgh')
  const bomb = letters.map((name, i) => `${name}: &${name} [${`*${letters[i - 1] ?? 'x'},`.repeat(9)}]`)
  t.same(said(['x: &x 1', ...bomb].join('\n')), ['there are too many values'])
  t.same(said('['.repeat(100) + ']'.repeat(100)), ['sections are nested too deeply'])
  t.same(said('#'.repeat(1024 * 1024 + 1)), ['the file is over 1 MiB'])
})

function at(line: number, column: number, length: number): Problem {
  return { place: { file: 'x.yaml', line, column, length }, message: 'wrong' }
}

t.test('the caret stands under what is meant', async (t) => {
  const cases: Readonly<Record<string, readonly [string, Problem, string]>> = {
    'behind a tab': ['a:\tb', at(1, 4, 1), '    1 | a:\tb\n      |   \t^'],
    'behind wide characters': ['名: b', at(1, 4, 1), '    1 | 名: b\n      |     ^'],
    'under wide characters': ['a: 名前 b', at(1, 4, 2), '    1 | a: 名前 b\n      |    ^^^^'],
    'under an emoji': ['a: 🦊 b', at(1, 4, 2), '    1 | a: 🦊 b\n      |    ^^'],
    'behind a combining mark': ['e\u0301: b', at(1, 5, 1), '    1 | e\u0301: b\n      |    ^'],
    'not beyond the line': ['a: b  ', at(1, 4, 99), '    1 | a: b\n      |    ^'],
    'in a long line': [
      `${'x'.repeat(200)}: b${'y'.repeat(200)}`,
      at(1, 203, 1),
      `    1 | …${'x'.repeat(48)}: b${'y'.repeat(49)}…\n      | ${' '.repeat(51)}^`,
    ],
    'and no control character is printed': ['a: \u001b[31mb', at(1, 4, 6), '    1 | a: \ufffd[31mb\n      |    ^^^^^^'],
  }
  for (const [name, [line, problem, expected]] of Object.entries(cases)) {
    const said = report([problem], line)
      .split('\n')
      .map((each) => each.trimEnd())
    t.same(said, [`x.yaml:1:${problem.place.column}: wrong`, ...expected.split('\n')], name)
  }
})

t.test('problems are sorted, and colour is a choice', async (t) => {
  t.equal(
    report([at(9, 1, 1), at(2, 3, 1), at(2, 1, 1)], ''),
    'x.yaml:2:1: wrong\nx.yaml:2:3: wrong\nx.yaml:9:1: wrong',
  )
  t.match(report([at(1, 1, 1)], 'a', { colour: true }), '\u001b[31mwrong\u001b[0m')
  const many = report(
    Array.from({ length: 60 }, () => at(9, 1, 1)),
    '',
  )
  t.equal(many.split('\n').length, 51)
  t.match(many, /and 10 more$/)
})

const words = 'data hosts modules storage c2s mam is muc url localhost never constructor toString 5222 0x1 .inf'.split(
  ' ',
)
const signs = ': |\n|\n  |\n    |- |[|]|{|}|, |&a |*a |"|\'|>|#|? |!|\t'.split('|')

t.test('nothing that can be written makes it throw', async (t) => {
  const fragment = fc.constantFrom(...words, ...signs, '|')
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(fragment, { maxLength: 40 }).map((parts) => parts.join('')),
  )
  const survives = fc.property(text, (source) => {
    const loaded = loadConfig({ file: 'x.yaml', text: source, ...declarations })
    if ('problems' in loaded) return loaded.problems.length > 0 && report(loaded.problems, source) !== ''
    return loaded.ok.hosts.length > 0
  })
  t.doesNotThrow(() => fc.assert(survives, { numRuns: 500 }))
})
