/** XML Schema Part 2: how XEPs write the plain values in their attributes, fields and counters. */

/** Both ends included; an end that is missing is open. */
export interface IntegerRange {
  readonly min?: number
  readonly max?: number
}

/** `true`, `false`, `1` or `0` (§3.2.2.1); undefined if the text is none of them. */
export function parseBoolean(text: string): boolean | undefined {
  return booleans.get(collapse(text))
}

/**
 * A whole number in decimal digits (§3.3.13). Undefined if the text is none, if it is outside the range, or if a
 * double cannot hold it exactly.
 */
export function parseInteger(text: string, { min = -Infinity, max = Infinity }: IntegerRange = {}): number | undefined {
  const digits = collapse(text)
  if (!/^[+-]?\d+$/.test(digits)) return undefined
  const value = Number(digits)
  if (!Number.isSafeInteger(value) || value < min || value > max) return undefined
  return value === 0 ? 0 : value // There is no negative zero among whole numbers.
}

const booleans: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['1', true],
  ['false', false],
  ['0', false],
])

/** White space around such a value does not belong to it (§4.3.6). */
function collapse(text: string): string {
  return text.replace(/^[ \t\r\n]+|[ \t\r\n]+$/g, '')
}
