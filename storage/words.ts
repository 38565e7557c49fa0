/** Full-text search: the words of a text. All drivers read texts as this file does, so that they find the same. */

/** What is searched for: a word, or how a word begins. */
export interface Term {
  readonly text: string
  readonly isBeginning: boolean
}

/**
 * The words of a text, once each, in lower case and without accents: letters and digits of any script. Scripts that put
 * no spaces between words give every pair of neighbours instead. Of a very long text, only the beginning counts.
 */
export function wordsOf(text: string): Set<string> {
  const words = new Set<string>()
  for (const run of runsOf(text)) {
    for (const word of isUnspaced(run) ? pairsOf(run) : [shortened(run)]) words.add(word)
    if (words.size >= MOST_WORDS) break
  }
  return words
}

/**
 * What somebody wants to find, all of it: of longer words it is enough to give the beginning, so that *rose* finds
 * *roses*. Empty if the text has no word in it.
 */
export function termsOf(text: string): readonly Term[] {
  const terms = new Map<string, Term>()
  for (const run of runsOf(text)) {
    for (const term of isUnspaced(run) ? pairTerms(run) : [wordTerm(shortened(run))]) terms.set(term.text, term)
  }
  return [...terms.values()]
}

/** Whether a text with these words has all that is searched for. */
export function hasTerms(words: ReadonlySet<string>, terms: readonly Term[]): boolean {
  return terms.every(({ text, isBeginning }) => {
    if (words.has(text)) return true
    if (!isBeginning) return false
    for (const word of words) if (word.startsWith(text)) return true
    return false
  })
}

/** Letters and digits without anything between them. */
function runsOf(text: string): readonly string[] {
  const beginning = text.length > MOST_CHARS ? text.slice(0, MOST_CHARS) : text
  if (ASCII.test(beginning)) return beginning.toLowerCase().match(ASCII_RUN) ?? []
  // Lower case first may add marks, as to a Turkish İ.
  const plain = beginning.normalize('NFKD').toLowerCase().replace(MARKS, '')
  return plain.match(RUN) ?? []
}

/** A run that mixes scripts is divided as one without spaces if any of it is. */
function isUnspaced(run: string): boolean {
  return !ASCII.test(run) && UNSPACED.test(run)
}

/** Every character with the one behind it; the last alone, so that each can be found. */
function pairsOf(run: string): readonly string[] {
  const chars = Array.from(run)
  return chars.map((char, i) => char + (chars[i + 1] ?? ''))
}

function pairTerms(run: string): readonly Term[] {
  const pairs = pairsOf(run)
  // The last character of what is searched for may stand before another one in the text.
  const sought = pairs.length > 1 ? pairs.slice(0, -1) : pairs
  return sought.map((text) => ({ text, isBeginning: true }))
}

function wordTerm(text: string): Term {
  return { text, isBeginning: text.length >= LEAST_BEGINNING }
}

function shortened(run: string): string {
  return run.length > MOST_WORD_CHARS ? run.slice(0, MOST_WORD_CHARS).toWellFormed() : run
}

// oxlint-disable-next-line no-control-regex -- all of ASCII is what is meant
const ASCII = /^[\x00-\x7f]*$/
const ASCII_RUN = /[a-z0-9]+/g
const RUN = /[\p{L}\p{N}]+/gu
const MARKS = /\p{M}+/gu
const UNSPACED =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}\p{Script=Lao}\p{Script=Khmer}\p{Script=Myanmar}]/u

/** A shorter word is meant as it is: so many others begin like it. */
const LEAST_BEGINNING = 3
const MOST_WORD_CHARS = 40
const MOST_WORDS = 2000
const MOST_CHARS = 64 * 1024
