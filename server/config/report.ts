/** Problems as a person wants them: the place, what is wrong, the line, and a caret under it. */
import type { Place, Problem } from './node.ts'

/** Problems that are worth reading at a time. */
const MOST = 50
/** Columns of the source that are shown of a long line. */
const WINDOW = 100

/** What is wrong with a configuration. Thrown where nobody is there to be handed problems. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly problems: readonly Problem[]

  constructor(problems: readonly Problem[]) {
    super(problems.map(({ place, message }) => `${where(place)}: ${message}`).join('\n'))
    this.problems = problems
  }
}

export interface ReportStyle {
  readonly colour: boolean
}

/** Sorted by place, the first of them if they are very many; a line each, with the line of the source and a caret if there is one. */
export function report(
  problems: readonly Problem[],
  source: string,
  { colour }: ReportStyle = { colour: false },
): string {
  const lines = source.split(/\r?\n/)
  const paint = (code: string, text: string): string => (colour ? `\u001b[${code}m${text}\u001b[0m` : text)
  const texts = problems
    .toSorted((a, b) => a.place.line - b.place.line || a.place.column - b.place.column)
    .slice(0, MOST)
    .map(({ place, message, hidden = [] }) => {
      const said = `${paint('1', where(place))}: ${paint('31', message)}`
      const line = lines[place.line - 1]
      if (line === undefined || line.trim() === '') return said
      const { shown, indent, marks } = excerpt(hidden.reduceRight(mask, line), place)
      const margin = String(place.line).padStart(5)
      const bar = (label: string): string => paint('90', `${label} |`)
      return `${said}\n${bar(margin)} ${shown}\n${bar(' '.repeat(margin.length))} ${indent}${paint('31', marks)}`
    })
  if (problems.length > MOST) texts.push(`and ${problems.length - MOST} more`)
  return texts.join('\n')
}

function where({ file, line, column }: Place): string {
  return `${file}:${line}:${column}`
}

/** The line with a secret made unreadable, and no column moved. */
function mask(line: string, { column, length }: Place): string {
  const end = Math.min(column - 1 + length, line.length)
  return line.slice(0, column - 1) + '*'.repeat(end - column + 1) + line.slice(end)
}

/** The part of a line that can be printed, and what stands below it: the way to the carets, and carets as wide as what they mark. */
function excerpt(line: string, { column, length }: Place): { shown: string; indent: string; marks: string } {
  const start = Math.max(0, Math.min(column - 1 - WINDOW / 2, line.length - WINDOW))
  const end = Math.max(column, start + WINDOW)
  const before = visible((start > 0 ? '…' : '') + line.slice(start, column - 1))
  const marked = visible(line.slice(column - 1, Math.min(column - 1 + length, end)).trimEnd())
  const after = visible(line.slice(column - 1 + marked.length, end) + (line.length > end ? '…' : ''))
  return {
    shown: before + marked + after,
    // A tab under a tab is as wide, wherever the terminal has its stops.
    indent: Array.from(before, (character) => (character === '\t' ? '\t' : ' '.repeat(widthOf(character)))).join(''),
    marks: '^'.repeat(
      Math.max(
        1,
        Array.from(marked, widthOf).reduce((sum, width) => sum + width, 0),
      ),
    ),
  }
}

/** Control characters would move the cursor, or worse. */
function visible(text: string): string {
  return text.replace(/[^\P{Cc}\t]/gu, '\ufffd')
}

const wide =
  /^[\p{Emoji_Presentation}\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{20000}-\u{3fffd}]$/u

/** Columns of a terminal, near enough: East Asian characters and emoji take two, marks over others none (UAX #11). */
function widthOf(character: string): number {
  if (/^[\p{Mn}\p{Me}\p{Cf}]$/u.test(character)) return 0
  return wide.test(character) ? 2 : 1
}
