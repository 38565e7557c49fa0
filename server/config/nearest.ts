/** "Did you mean …?": the known name that an unknown one was probably meant to be. */

/** Undefined if none is so near that it could be a slip of the finger. */
export function nearest(name: string, known: Iterable<string>): string | undefined {
  let best: string | undefined
  // Two slips, or one in three letters of a long name; a longer distance means another word.
  let least = Math.max(2, Math.floor(name.length / 3)) + 1
  for (const candidate of known) {
    const distance = distanceBetween(name, candidate, least)
    if (distance < least && distance < candidate.length) [best, least] = [candidate, distance]
  }
  return best
}

/** The sentence to follow "unknown …"; empty if nothing is near. */
export function didYouMean(name: string, known: Iterable<string>): string {
  const near = nearest(name, known)
  return near === undefined ? '' : `; did you mean ${near}?`
}

function distanceBetween(name: string, candidate: string, enough: number): number {
  if (name.toLowerCase() === candidate.toLowerCase()) return 0
  // Someone has forgotten how it goes on.
  if (name.length >= 3 && candidate.startsWith(name)) return 2
  return Math.abs(name.length - candidate.length) < enough ? editDistance(name, candidate) : enough
}

/** Letters to insert, delete or replace (Levenshtein). */
function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const next = [i]
    for (let j = 1; j <= b.length; j++) {
      next[j] = Math.min(row[j]! + 1, next[j - 1]! + 1, row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1))
    }
    row = next
  }
  return row[b.length]!
}
