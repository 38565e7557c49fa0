/** What Unicode 3.2 and stringprep (RFC 3454) say of single code points. */
import { classRuns, fullFolds, oldDecompositions, simpleFolds } from './tables.ts'

/**
 * `Z` is mapped to nothing (table B.1), `U` unassigned in Unicode 3.2 (A.1), `P` prohibited in all profiles of XMPP
 * (C.1.2, C.2.2, C.3 to C.9), `R` written from right to left (D.1), `L` from left to right (D.2), `N` none of these.
 */
export type CodePointClass = 'Z' | 'U' | 'P' | 'R' | 'L' | 'N'

/** What becomes of single code points; those that stay as they are are absent. */
export type Mapping = ReadonlyMap<number, string>

const runs = readRuns()

/**
 * Five ideographs whose decompositions were mistakes until Unicode 4.0 (Corrigendum 4), and what NFKC makes of them in
 * Unicode 3.2.
 */
export const corrections: Mapping = new Map(readMappings(oldDecompositions))

/** Table B.2, case folding made to go with NFKC, and the corrections. */
export const caseFolding: Mapping = new Map([...corrections, ...readSimpleFolds(), ...readMappings(fullFolds)])

export function classOf(codePoint: number): CodePointClass {
  const { starts, classes } = runs
  let low = 0
  let high = starts.length
  while (high - low > 1) {
    const middle = (low + high) >> 1
    if (starts[middle]! <= codePoint) low = middle
    else high = middle
  }
  return classes[low]!
}

function readRuns(): { readonly starts: Uint32Array; readonly classes: readonly CodePointClass[] } {
  const read = [...classRuns.matchAll(/([0-9a-z]+)([A-Z])/g)]
  const starts = new Uint32Array(read.length)
  let next = 0
  for (const [index, { 1: length }] of read.entries()) {
    starts[index] = next
    next += Number.parseInt(length!, 36)
  }
  // The generator writes no other letters.
  return { starts, classes: read.map((run) => run[2] as CodePointClass) }
}

function readSimpleFolds(): [number, string][] {
  let start = 0
  return readRows(simpleFolds).flatMap(([skip, count, step, distance]) => {
    start += skip!
    const first = start
    return Array.from({ length: count! }, (_, index): [number, string] => {
      const codePoint = first + index * step!
      return [codePoint, String.fromCodePoint(codePoint + distance!)]
    })
  })
}

function readMappings(table: string): [number, string][] {
  return readRows(table).map(([codePoint, ...mapped]) => [codePoint!, String.fromCodePoint(...mapped)])
}

function readRows(table: string): number[][] {
  return table.split(',').map((row) => row.split(' ').map((number) => Number.parseInt(number, 36)))
}
