/** Strings that addresses, and those who want to break them, are made of; for properties. */
import fc from 'fast-check'

/** Plain characters, separators, capitals, marks, both directions, what is dropped, prohibited or unassigned. */
const unit = fc.oneof(
  { weight: 4, arbitrary: of('abcXYZ019-_.~ @/:<\\"&') },
  { weight: 3, arbitrary: of('äßİΣςЖﬃ각ᄀ\u1161\u11a8ￊ。．／＠≮中\u{2f868}') },
  { weight: 2, arbitrary: of('\u0300\u0301\u0327\u0338\u0345\u05b4\u3099\u05a2\u1dc7') },
  { weight: 2, arbitrary: of('\u05d0\u0634\u0750\u200f\u00ad\u200d\ufe0f\ufeff😀\u{1e900}\u{10ffff}') },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }) },
)

export const anything = fc.string({ unit, maxLength: 12 })

/** One of these characters. */
export function of(characters: string): fc.Arbitrary<string> {
  return fc.constantFrom(...Array.from(characters))
}

/** A string for the name of a test: ASCII only. */
export function shown(text: string): string {
  return Array.from(text.slice(0, 40), (character) =>
    /[ -~]/.test(character) ? character : `\\u{${character.codePointAt(0)!.toString(16)}}`,
  ).join('')
}
