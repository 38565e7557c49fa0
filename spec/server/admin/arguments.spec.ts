import fc from 'fast-check'
import t from 'tap'
import { readArguments, usageOf } from '../../../server/admin/arguments.ts'
import { type AnyCommand, command } from '../../../server/admin/command.ts'
import { t as type } from '../../../server/config/types.ts'

const greet = command({
  name: 'greet',
  about: 'greets',
  role: 'admin',
  args: { text: type.lines(), times: type.integer({ max: 9 }).default(1), jids: type.list(type.jid()) },
  run() {},
})

const login = command({ name: 'login', about: '', role: 'admin', args: { word: type.secret() }, run() {} })

const read = (words: readonly string[], of: AnyCommand = greet): Record<string, unknown> => readArguments(of, words)
const bares = (jids: unknown): readonly string[] => (Array.isArray(jids) ? jids.map(String) : [])

t.test('words in order; a list takes those that are left', (t) => {
  const { text, times, jids } = read(['hello', '2', 'Romeo@localhost', 'juliet@localhost'])
  t.strictSame([text, times, bares(jids)], ['hello', 2, ['romeo@localhost', 'juliet@localhost']])
  t.equal(usageOf(greet), 'greet <text> [times] <jids…>')
  t.end()
})

t.test('words by name; a list by several of them', (t) => {
  const { text, times, jids } = read(['--jids', 'romeo@localhost', '--text', '--', '--jids', 'juliet@localhost'])
  t.strictSame([text, times, bares(jids)], ['--', 1, ['romeo@localhost', 'juliet@localhost']])
  t.end()
})

t.test('what is wrong is said', (t) => {
  t.throws(() => read(['hello', '1']), /jids is missing. Usage: greet/)
  t.throws(() => read(['hello', '10', 'romeo@localhost']), /times: expected a whole number, 0 to 9, not "10"/)
  t.throws(() => read(['hello', '1', 'romeo@localhost', 'localhost']), /jids: expected a JID/)
  t.throws(() => read(['--text', 'a', '--text', 'b', '--jids', 'romeo@localhost']), /text is given twice/)
  t.throws(() => read(['--colour', 'red']), /unknown argument --colour/)
  t.throws(() => read(['--text']), /--text needs a value/)
  t.throws(() => read(['a', 'b'], login), /too many arguments/)
  t.throws(() => read([], login), /word is missing/)
  t.end()
})

t.test('a secret is not shown by accident', (t) => {
  t.notMatch(JSON.stringify(read(['hunter2'], login)), /hunter2/)
  t.end()
})

t.test('whatever is typed, it is read or refused in words for people', (t) => {
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.string(), fc.constantFrom('--text', '--jids', 'a@b', '3'))), (words) => {
      try {
        t.same(Object.keys(read(words)), ['text', 'times', 'jids'])
      } catch (error) {
        if (!(error instanceof Error) || error.name !== 'CommandError') throw error
      }
    }),
  )
  t.end()
})
