/** Files of the repository that are written by a script, and checked to be what it would write. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const root = join(import.meta.dirname, '..', '..')

/** Writes the file; with `--check` on the command line only tells whether it is up to date, as the exit code. */
export function generate(path: string, text: string): void {
  const file = join(root, path)
  if (!process.argv.includes('--check')) {
    writeFileSync(file, text)
    return
  }
  if (read(file) === text) return
  process.stderr.write(`${path} is out of date: run node scripts/${process.argv[1]?.split('/').at(-1)}\n`)
  process.exitCode = 1
}

/** Text that a file has between two marks replaced; the rest is written by hand. */
export function between(path: string, mark: string, text: string): string {
  const [begin, end] = [`<!-- ${mark} -->`, `<!-- /${mark} -->`]
  const whole = read(join(root, path)) ?? ''
  const [from, to] = [whole.indexOf(begin), whole.indexOf(end)]
  if (from === -1 || to < from) throw new Error(`${path} has no part ${mark}`)
  return `${whole.slice(0, from + begin.length)}\n${text}\n${whole.slice(to)}`
}

function read(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}
