/** Words, as they are searched for: the contract of drivers has the examples, these are the laws. */
import fc from 'fast-check'
import t from 'tap'
import { hasTerms, termsOf, wordsOf } from '../../storage/words.ts'

const anyText = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 200 }),
  fc
    .array(fc.constantFrom('rose', 'É', '東', '京', 'ส', ' ', 'ß', '\ud800', '́', 'a1'), { maxLength: 30 })
    .map((parts) => parts.join('')),
)

await t.test('a text is found by itself', (t) => {
  fc.assert(fc.property(anyText, (text) => hasTerms(wordsOf(text), termsOf(text))))
  t.end()
})

await t.test('what a text ends or begins with does not keep it from being found', (t) => {
  fc.assert(fc.property(anyText, anyText, (a, b) => hasTerms(wordsOf(`${b} ${a} ${b}`), termsOf(a))))
  t.end()
})

await t.test('case and composition do not count', (t) => {
  fc.assert(
    fc.property(anyText, (text) => {
      const same = (other: string): boolean => String([...wordsOf(other)]) === String([...wordsOf(text)])
      return same(text.normalize('NFD')) && same(text.normalize('NFC'))
    }),
  )
  t.end()
})

await t.test('a word can stand in any query: it has letters and digits only', (t) => {
  fc.assert(
    fc.property(anyText, (text) => {
      const all = [...wordsOf(text), ...termsOf(text).map((term) => term.text)]
      return all.every((word) => /^[\p{L}\p{N}]+$/u.test(word) && word.isWellFormed() && word.length <= 40)
    }),
  )
  t.end()
})

await t.test('long words and long texts are cut', (t) => {
  t.ok(hasTerms(wordsOf('x'.repeat(300)), termsOf('x'.repeat(200))))
  t.ok(hasTerms(wordsOf('𝒳'.repeat(300)), termsOf('𝒳'.repeat(200))))
  t.ok(wordsOf(Array.from({ length: 100_000 }, (_, i) => i).join(' ')).size <= 2000)
  t.ok(wordsOf('花火'.repeat(100_000)).size < 4)
  t.end()
})
