/** What a person gets to read when a play has failed. */
import { matchesTag } from './matcher.ts'
import { type Pattern, patternOf } from './pattern.ts'
import { type PrintedLine, printLines, type XmlNode } from './xml-node.ts'

/** A stanza that was received instead, and why it is not the one expected. */
export interface Candidate {
  readonly stanza: XmlNode
  readonly reason: string
}

/** How many other stanzas are shown. */
const MAX_OTHERS = 8

/** The expected stanza, compared line by line with the candidate that comes closest, and the others. */
export function reportMismatch(expected: Pattern, candidates: readonly Candidate[]): readonly string[] {
  if (candidates.length === 0) {
    return ['expected:', ...printLines(expected.node).map(({ text }) => `    ${text}`), 'received nothing']
  }
  const compared = candidates.map((candidate) => ({
    ...candidate,
    lines: compareLines(expected.node, candidate.stanza),
  }))
  const differences = (lines: readonly string[]): number => lines.filter((line) => !line.startsWith(' ')).length
  const [closest, ...others] = compared.toSorted((a, b) => differences(a.lines) - differences(b.lines))
  if (closest === undefined) return []
  return [
    closest.reason,
    'expected (-) and received (+):',
    ...closest.lines.map((line) => `  ${line}`),
    ...others
      .slice(0, MAX_OTHERS)
      .flatMap(({ stanza, reason }) => [
        `also received, but ${reason}:`,
        ...printLines(stanza).map(({ text }) => `    ${text}`),
      ]),
    ...(others.length > MAX_OTHERS ? [`and ${others.length - MAX_OTHERS} more`] : []),
  ]
}

/** Stanzas as they are, under a heading. */
export function reportStanzas(heading: string, stanzas: readonly XmlNode[]): readonly string[] {
  return [heading, ...stanzas.flatMap((stanza) => printLines(stanza).map(({ text }) => `    ${text}`))]
}

/**
 * Lines of both, the common ones once and as received (longest common subsequence). A line is common if what it holds
 * would match, so that attributes of which nothing was said do not count.
 */
function compareLines(expected: XmlNode, received: XmlNode): readonly string[] {
  const left = printLines(expected).map((line) => ({ ...line, pattern: line.node && patternOf(line.node) }))
  const right = printLines(received)
  const common = commonLengths(left, right)
  const lines: string[] = []
  let [i, j] = [0, 0]
  while (i < left.length || j < right.length) {
    const [a, b] = [left[i], right[j]]
    if (a !== undefined && b !== undefined && isSame(a, b)) {
      lines.push(`  ${b.text}`)
      i++
      j++
    } else if (b === undefined || (a !== undefined && (common[i + 1]?.[j] ?? 0) >= (common[i]?.[j + 1] ?? 0))) {
      lines.push(`- ${a?.text ?? ''}`)
      i++
    } else {
      lines.push(`+ ${b.text}`)
      j++
    }
  }
  return lines
}

type PatternLine = PrintedLine & { readonly pattern: Pattern | undefined }

/** How many lines the rests have in common, from any place in one and any place in the other. */
function commonLengths(left: readonly PatternLine[], right: readonly PrintedLine[]): readonly (readonly number[])[] {
  const table = Array.from({ length: left.length + 1 }, () => Array.from({ length: right.length + 1 }, () => 0))
  for (const [i, a] of [...left.entries()].toReversed()) {
    for (const [j, b] of [...right.entries()].toReversed()) {
      const row = table[i] ?? []
      const below = table[i + 1] ?? []
      row[j] = isSame(a, b) ? 1 + (below[j + 1] ?? 0) : Math.max(below[j] ?? 0, row[j + 1] ?? 0)
    }
  }
  return table
}

function isSame(expected: PatternLine, received: PrintedLine): boolean {
  if (expected.depth !== received.depth) return false
  if (expected.pattern === undefined || received.node === undefined) return expected.text === received.text
  return matchesTag(expected.pattern, received.node)
}
