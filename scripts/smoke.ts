/**
 * Whether `dist/madrigal` stands alone: it tells its version, and acts plays with SQLite like the source tree does, over
 * every transport. The plays are those named, or the seeds of the project and those of rooms. The last line is
 * `N passed, N failed`.
 */

import { globSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { VERSION } from '../server/version.ts'
import { type Performance, runAll, type Stage } from '../spec/play/repertoire.ts'
import { defaultRunOptions } from '../spec/play/runner.ts'
import { command, secondsToListen, startExecutable } from './smoke/executable-server.ts'

const root = dirname(import.meta.dirname)
const file = join(root, 'dist/madrigal')
const named = process.argv.slice(2)
const usual = ['../shared/seeds/*.scs', 'spec/scansion/muc_*.scs']
const plays = named.length > 0 ? named : globSync(usual, { cwd: root }).toSorted()

const version = (await command(file, tmpdir(), ['version'])).trim()
if (version !== VERSION) throw new Error(`tells another version: ${version}`)
console.log(`madrigal ${version} listens after ${(await secondsToListen(file)).toFixed(2)} s`)

const stage: Stage = {
  kind: 'own',
  storage: 'sqlite',
  start: (storage, accounts, config) => startExecutable(file, storage, accounts, config),
}
const performances = (['tcp', 'tls', 'websocket'] as const).flatMap((transport) =>
  plays.map((file): Performance => ({ file, stage, options: { ...defaultRunOptions, timeoutSeconds: 20, transport } })),
)
const failed = await runAll(performances, 2, (line) => console.log(line))
console.log(`${performances.length + 1 - failed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1
