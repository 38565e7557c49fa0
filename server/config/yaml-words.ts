/** What is wrong with a YAML file, in words for someone who has never read the YAML specification. */

/** The first whose pattern fits "CODE message of the parser" is said. */
const sentences: readonly (readonly [RegExp, string])[] = [
  [/^TAB_AS_INDENT/, 'a tab cannot indent; use spaces'],
  [/^MULTIPLE_DOCS/, 'a second document begins here; a config has one'],
  [/^RESOURCE_EXHAUSTION/, 'sections are nested too deeply'],
  [/^BLOCK_AS_IMPLICIT_KEY/, 'this looks like an option inside a value; quote the value, or correct the indentation'],
  [/^MULTILINE_IMPLICIT_KEY/, 'expected ":" after this name, on the same line'],
  [/^KEY_OVER_1024_CHARS/, 'the name of an option cannot be so long'],
  [/^(BAD_INDENT|MISSING_CHAR) Flow sequence/, 'the list [ … is not closed with ]'],
  [/^(BAD_INDENT|MISSING_CHAR) Flow map/, 'the section { … is not closed with }'],
  [/^MISSING_CHAR Missing closing/, 'the quoted text is not closed'],
  [/^MISSING_CHAR Implicit map keys/, 'expected ":" and a value after this name'],
  [/^MISSING_CHAR Missing , /, 'expected a comma before this'],
  [/^BAD_INDENT All (mapping|sequence) items/, 'this must begin in the same column as what is above it'],
  [/^BAD_INDENT/, 'this line is not indented enough'],
  [/^BAD_SCALAR_START/, 'a value cannot begin with this character; put it in quotes'],
  [/^BAD_DQ_ESCAPE/, 'there is no such escape in double quotes; single quotes take \\ as it is'],
  [/^TAG_RESOLVE_FAILED/, 'tags (!…) have no meaning here'],
  [/^UNEXPECTED_TOKEN Unexpected block-seq-ind/, 'a list item "- …" must begin on a line of its own'],
  [/^UNEXPECTED_TOKEN Block scalar header/, 'after | or > the text begins on the next line'],
  [/^UNEXPECTED_TOKEN/, 'this is not expected here'],
]

/** The parser's own words if there are none of ours. */
export function explain(code: string, message: string): string {
  const known = sentences.find(([pattern]) => pattern.test(`${code} ${message}`))
  return known?.[1] ?? `not valid YAML: ${message.split('\n', 1)[0] ?? ''}`
}
