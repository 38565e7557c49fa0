/** All plays, in every way in which they must pass: on each storage, and over each kind of connection. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import t from 'tap'
import { parseScript } from './play/parse-script.ts'
import { PlayHouse } from './play/play-house.ts'
import { runAll } from './play/repertoire.ts'
import { defaultRunOptions, type RunOptions } from './play/runner.ts'
import type { TransportName } from './play/script.ts'
import type { StorageName } from './play/server.ts'

const ways: readonly (readonly [StorageName, TransportName])[] = [
  ['memory', 'tcp'],
  ['sqlite', 'tcp'],
  ['postgres', 'tcp'],
  ['memory', 'tls'],
  ['memory', 'websocket'],
]

/** Ours say exactly what they expect; those of others, which lie beside the checkout or not at all, leave things out. */
const repertoires = [
  { folder: resolve(import.meta.dirname, 'scansion'), exact: true },
  { folder: resolve(import.meta.dirname, '../../shared/seeds'), exact: false },
]

/** At a time. More of them only wait for each other. */
const JOBS = 16

t.setTimeout(300_000)
const house = new PlayHouse()
t.teardown(() => house[Symbol.asyncDispose]())

for (const { folder, exact } of repertoires) {
  const name = relative(resolve(import.meta.dirname, '..'), folder)
  const plays = globSync(`${folder}/**/*.scs`).toSorted()
  if (!exact && !existsSync(folder)) {
    t.comment(`${name}: there are none`)
    continue
  }
  t.ok(plays.length > 0, `${plays.length} plays in ${name}`)
  for (const [storage, transport] of ways) {
    t.test(`${name}: ${storage}, ${transport}`, { timeout: 120_000 }, async (t) => {
      const began = performance.now()
      const files = transport === 'websocket' ? plays.filter((file) => !isAboutBytes(file)) : plays
      const options: RunOptions = { ...defaultRunOptions, transport, exactType: exact, exactText: exact }
      const failed = await runAll(
        files.map((file) => ({ file, stage: { kind: 'own', storage, start: house.start }, options })),
        JOBS,
        (line) => {
          const [problem = '', ...report] = line.split('\n')
          // Where in this file that happens is of no interest.
          if (problem.startsWith('FAILED')) t.fail(problem, { stack: '', report: report.join('\n') })
        },
      )
      const seconds = ((performance.now() - began) / 1000).toFixed(1)
      t.equal(failed, 0, `${files.length} plays in ${seconds} s`)
    })
  }
}

/** True if somebody sends what is no element. In a frame that means something else, or nothing. */
function isAboutBytes(file: string): boolean {
  const { actions } = parseScript(readFileSync(file, 'utf8'), file)
  return actions.some(({ verb, character }) => verb === 'sends raw' && character.transport === undefined)
}
