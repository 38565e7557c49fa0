/**
 * All that must hold before a change is merged: types, lint, format, the rules of our own, generated files, specs.
 * `--fast` leaves the specs out. Every step runs, whatever the others say.
 */

import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { importProblems } from './check/imports.ts'
import { packageProblems, readManifest } from './check/packages.ts'
import { readSources } from './check/sources.ts'
import { stateProblems } from './check/state.ts'
import { opinion, perform, program } from './check/step.ts'

/** What writes files of the repository; with `--check` it tells whether they are what it would write. */
const generators = ['scripts/unicode.ts', 'scripts/xeps.ts', 'scripts/manual.ts', 'scripts/schema.ts']

const root = dirname(import.meta.dirname)
const began = performance.now()
const sources = readSources(root)
const steps = [
  program('types', root, ['node_modules/typescript/bin/tsc', '--noEmit', '--pretty', 'false']),
  program('lint', root, ['node_modules/oxlint/bin/oxlint', '--type-aware', '--deny-warnings', '--format=unix']),
  program('format', root, ['node_modules/oxfmt/bin/oxfmt', '--check']),
  opinion('imports', () => importProblems(sources, new Set(Object.keys(readManifest(root).dependencies ?? {})))),
  opinion('state', () => stateProblems(sources)),
  opinion('packages', () => packageProblems(root)),
  ...generators
    .filter((path) => existsSync(join(root, path)))
    .map((path) => program(`generated: ${path}`, root, [path, '--check'])),
]

const passed = await Promise.all(steps.map(perform))
if (!process.argv.includes('--fast')) passed.push(runSpecs())
const failed = passed.filter((one) => !one).length
const outcome = failed === 0 ? 'all is well' : `${failed} of ${passed.length} steps failed`
console.log(`check: ${outcome}, ${((performance.now() - began) / 1000).toFixed(1)} s`)
process.exitCode = failed === 0 ? 0 : 1

/** After the rest, since they use every core; what they print is seen at once. */
function runSpecs(): boolean {
  return spawnSync(process.execPath, ['scripts/test.ts'], { cwd: root, stdio: 'inherit' }).status === 0
}
