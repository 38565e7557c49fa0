/** The lines of a play, and what each is by its first characters. */

export interface Line {
  /** Without its line end. */
  readonly text: string
  /** From 1. */
  readonly number: number
}

export function linesOf(text: string): readonly Line[] {
  const lines = text.replace(/^\u{feff}/u, '').split(/\r?\n/)
  return lines.map((line, index) => ({ text: line, number: index + 1 }))
}

/** True for what hangs on the line above it. */
export function isIndented({ text }: Line): boolean {
  return /^[ \t]/.test(text)
}

/** True for the line of dashes between the cast and the actions. */
export function isSeparator({ text }: Line): boolean {
  return /^-{3,}[ \t]*$/.test(text)
}

/** False for blank lines and comments. */
export function isMeaningful({ text }: Line): boolean {
  return text.trim() !== '' && !/^(?:#|\/\/|--)/.test(text)
}
