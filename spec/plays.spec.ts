/** All plays, in every way in which they must pass: on each storage, and over each kind of connection. */
import { existsSync, globSync, readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { relative, resolve } from 'node:path'
import t from 'tap'
import { parseScript } from './play/parse-script.ts'
import type { TransportName } from './play/script.ts'
import type { StorageName } from './play/server.ts'
import { runInThread } from './play/stage-hand.ts'

type Way = readonly [StorageName, TransportName]

const ways: readonly Way[] = [
  ['postgres', 'tcp'],
  ['sqlite', 'tcp'],
  ['memory', 'tcp'],
  ['memory', 'tls'],
  ['memory', 'websocket'],
]

/**
 * Ours say exactly what they expect; those of others, which lie beside the checkout or not at all, leave things out.
 * Over BOSH nobody knows when what was sent has been read, and in some of ours several act at once.
 */
const repertoires: readonly Repertoire[] = [
  { folder: resolve(import.meta.dirname, 'scansion'), exact: true, ways },
  { folder: resolve(import.meta.dirname, '../../shared/seeds'), exact: false, ways: [...ways, ['memory', 'bosh']] },
]

interface Repertoire {
  readonly folder: string
  readonly exact: boolean
  readonly ways: readonly Way[]
}

/** Plays at a time in one thread. More of them only wait for each other. */
const JOBS = 12

/** Machines that test are busy; only plays that fail wait for so long. */
const PATIENCE_SECONDS = 20

t.setTimeout(300_000)
t.jobs = availableParallelism()

for (const { folder, exact, ways } of repertoires) {
  const name = relative(resolve(import.meta.dirname, '..'), folder)
  const plays = globSync(`${folder}/**/*.scs`).toSorted()
  if (!exact && !existsSync(folder)) {
    t.comment(`${name}: there are none`)
    continue
  }
  t.ok(plays.length > 0, `${plays.length} plays in ${name}`)
  for (const [storage, transport] of ways) {
    t.test(`${name}: ${storage}, ${transport}`, { buffered: true, timeout: 200_000 }, async (t) => {
      const began = performance.now()
      const files = transport === 'websocket' ? plays.filter((file) => !isAboutBytes(file)) : plays
      const options = { timeoutSeconds: PATIENCE_SECONDS, transport, exactType: exact, exactText: exact }
      const lines = await runInThread({ files, storage, options, jobs: JOBS })
      for (const line of lines.filter((text) => !text.startsWith('ok '))) {
        const [problem = '', ...report] = line.split('\n')
        // Where in this file that is said is of no interest.
        t.fail(problem, { stack: '', report: report.join('\n') })
      }
      t.equal(
        lines.length,
        files.length,
        `${files.length} plays in ${((performance.now() - began) / 1000).toFixed(1)} s`,
      )
    })
  }
}

/** True if somebody sends what is no element. In a frame that means something else, or nothing. */
function isAboutBytes(file: string): boolean {
  const { actions } = parseScript(readFileSync(file, 'utf8'), file)
  return actions.some(({ verb, character }) => verb === 'sends raw' && character.transport === undefined)
}
