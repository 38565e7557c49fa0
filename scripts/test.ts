/**
 * Runs the specs with tap: all, or those whose path contains one of the words given (`npm test -- mailbox xml`);
 * words that begin with `-` go to tap. The last line is `N passed, N failed`, whatever happens.
 */

import { spawn } from 'node:child_process'
import { globSync } from 'node:fs'
import { constants } from 'node:os'
import { dirname } from 'node:path'
import { createInterface } from 'node:readline'
import { buildTap, linkPostgres, tapCommand } from './test/prepare.ts'
import { TapLines } from './test/tap-lines.ts'

const root = dirname(import.meta.dirname)
const args = process.argv.slice(2)
const words = args.filter((arg) => !arg.startsWith('-'))
const options = args.filter((arg) => arg.startsWith('-'))
const specs = globSync('spec/**/*.spec.ts', { cwd: root }).filter(
  (path) => words.length === 0 || words.some((word) => path.includes(word)),
)

const began = performance.now()
const lines = new TapLines((line) => console.log(line))
const exitCode = specs.length === 0 ? 1 : await runTap()
const { passed, failed } = lines.outcome(specs, exitCode)
if (specs.length === 0)
  console.log(`no spec ${words.length === 0 ? 'at all' : `with ${words.join(' or ')} in its path`}`)
console.log(`${specs.length} files in ${((performance.now() - began) / 1000).toFixed(1)} s`)
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1

/** Gives the exit code of the runner. What specs write to stderr is seen at once, between the lines. */
async function runTap(): Promise<number> {
  buildTap(root)
  linkPostgres(root)
  const tap = spawn(process.execPath, [tapCommand(root), 'run', '--reporter=tap', ...options, ...specs], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exit = new Promise<number>((done, fail) => {
    tap.on('exit', (code, signal) => done(code ?? 128 + constants.signals[signal ?? 'SIGKILL']))
    tap.on('error', fail)
  })
  for await (const line of createInterface({ input: tap.stdout })) lines.take(line)
  return exit
}
