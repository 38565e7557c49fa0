/** Reads the TAP that tap's runner writes (TAP 14, https://testanything.org): one line for a file, and what failed. */

export interface Outcome {
  readonly passed: number
  readonly failed: number
}

/** Takes the output line by line, in order; gives what is worth printing to `print`. */
export class TapLines {
  readonly #print: (line: string) => void
  /** What the present file has said, without what passed. */
  #kept: string[] = []
  /** Where in `#kept` each open subtest begins, outermost first. */
  readonly #begins: number[] = []
  /** The line that ends the diagnostics being read, and where they go. */
  #diagnostics: { end: string; take: (line: string) => void } | undefined
  /** Where the diagnostics go that may follow: those of what passed nowhere. */
  #next: (line: string) => void = ignore
  readonly #files = new Set<string>()
  #empty = 0
  #totals: { passed: number; failed: number } | undefined

  constructor(print: (line: string) => void) {
    this.#print = print
  }

  take(line: string): void {
    if (this.#diagnostics !== undefined) return this.#takeDiagnostic(line)
    const text = line.trimStart()
    const indent = line.slice(0, line.length - text.length)
    if (text === '---') this.#diagnostics = { end: `${indent}...`, take: this.#next }
    if (this.#diagnostics !== undefined) return this.#takeDiagnostic(line)
    if (text.startsWith('# Subtest: ')) return this.#begin(line, indent)
    if (/^(not )?ok\b/.test(text)) return this.#takePoint(line, indent, text)
    this.#takeOther(line, text)
  }

  /** What came of `files` in the end; `exitCode` is that of the runner: 0 only if it found nothing wrong. */
  outcome(files: readonly string[], exitCode: number): Outcome {
    const { passed, failed } = this.#totals ?? { passed: 0, failed: 0 }
    // The runner forgets those that waited behind one that ran out of time.
    const lost = files.filter((file) => !this.#files.has(file))
    for (const file of lost) this.#print(`FAILED  ${file}\n        did not get to run`)
    const wrong = failed + this.#empty + lost.length
    const silent = wrong === 0 && (exitCode !== 0 || passed === 0)
    return { passed, failed: silent ? 1 : wrong }
  }

  #begin(line: string, indent: string): void {
    this.#begins.length = Math.min(this.#begins.length, indent.length / 4)
    this.#begins.push(this.#kept.length)
    this.#kept.push(line)
  }

  #takePoint(line: string, indent: string, text: string): void {
    const depth = indent.length / 4
    const begin = this.#begins[depth]
    this.#begins.length = Math.min(this.#begins.length, depth)
    const failed = text.startsWith('not ok') && !/ # (todo|skip)\b/i.test(text)
    this.#next = ignore
    if (depth === 0) return this.#takeFile(text, failed)
    // A subtest's own diagnostics only repeat where it begins.
    if (failed && begin === undefined) this.#next = (diagnostic) => this.#kept.push(diagnostic)
    if (failed) this.#kept.push(line)
    else if (begin !== undefined) this.#kept.length = begin
  }

  #takeFile(text: string, failed: boolean): void {
    const [, name = text] = /^(?:not )?ok \d+ - (\S+)/.exec(text) ?? []
    const [, milliseconds = '0'] = / # time=([\d.]+)ms/.exec(text) ?? []
    const empty = text.endsWith('# SKIP no tests found')
    if (empty) this.#empty += 1
    this.#files.add(name)
    this.#print(`${failed || empty ? 'FAILED' : (Number(milliseconds) / 1000).toFixed(2).padStart(6)}  ${name}`)
    if (empty) this.#print('        has no test')
    for (const line of failed ? this.#kept.slice(1) : []) this.#print(`    ${line}`)
    this.#kept = []
    if (failed) this.#next = (line) => /^ +signal: [^n]/.test(line) && this.#print(`        ended by${line.slice(9)}`)
  }

  #takeDiagnostic(line: string): void {
    this.#diagnostics?.take(line)
    if (line === this.#diagnostics?.end) this.#diagnostics = undefined
  }

  #takeOther(line: string, text: string): void {
    const totals = /^# \{ total: \d+, pass: (\d+)(?:, fail: (\d+))?/.exec(line)
    if (totals !== null) this.#totals = { passed: Number(totals[1]), failed: Number(totals[2] ?? 0) }
    if (text.startsWith('Bail out!')) this.#print(line)
    const dull = text === '' || /^(\d+\.\.\d+|# time=|TAP version|# No coverage|# \{ total)/.test(text)
    if (!dull) this.#kept.push(line)
  }
}

function ignore(): void {}
