/**
 * `npm run bench -- --archive`: the archive, side by side with those of Prosody and ejabberd, on SQLite and on one
 * PostgreSQL for all, whose CPU counts as the server's. Needs the neutral load generator and what it needs.
 */
import { spawnSync } from 'node:child_process'
import { appendFileSync, existsSync, mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { medianCpu, ratioCell, readResults } from './bench/results.ts'

const PORT = '15330'

interface Scenario {
  readonly label: string
  /** Of the generator. */
  readonly args: readonly string[]
  /** How many times cheaper than the others we want to be, by the storage. */
  readonly want: { readonly [storage in StorageName]: readonly [prosody: number, ejabberd: number | undefined] }
}

type StorageName = 'sqlite' | 'pg'

const page = ['mam', '--first', '101', '-n', '1', '-m', '200', '--time', '60']
const chat = ['chat', '--pairs', '50', '-m', '20000', '--time', '60']
const pages = { sqlite: [8, undefined], pg: [8, 5] } as const
const chats = { sqlite: [12, undefined], pg: [6, 4] } as const

/** The same as for the others, in the order in which they run. */
const scenarios: readonly Scenario[] = [
  { label: 'page-forward', args: page, want: pages },
  { label: 'page-backward', args: [...page, '--backward'], want: pages },
  { label: 'last-page', args: [...page, '--lastpage'], want: pages },
  { label: 'chat', args: chat, want: chats },
  { label: 'chat-w1', args: [...chat, '-w', '1', '--nobatch'], want: chats },
]

const FILL = ['chat', '--first', '100', '--pairs', '1', '--oneway', '--warm', '0', '-m', '10000', '--time', '200']
const REPETITIONS = 3

/** Runs everything, and prints how it went. `neutral` is the folder of the generator's scripts. */
export function compareArchives(neutral: string, benchDir: string, root: string): void {
  const results = join(benchDir, 'results')
  rmSync(results, { recursive: true, force: true })
  mkdirSync(results, { recursive: true })
  const env = { ...process.env, BENCH_DIR: benchDir }
  const bash = (command: string, more: NodeJS.ProcessEnv = {}): string => {
    const { stdout } = spawnSync('bash', ['-c', command], {
      env: { ...env, ...more },
      cwd: benchDir,
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    return stdout.toString()
  }
  const helper = `${process.execPath} ${join(root, 'scripts/bench/madrigal.ts')}`
  for (const storage of ['sqlite', 'pg'] as const) {
    for (const other of storage === 'pg' ? ['prosody', 'ejabberd'] : ['prosody']) {
      console.log(`\n== run-mam.sh ${other} ${storage}`)
      console.log(bash(`${join(neutral, 'run-mam.sh')} ${other} ${storage}`))
    }
    console.log(`\n== ours, ${storage}`)
    measureOurs(storage)
  }
  report(results)

  function measureOurs(storage: StorageName): void {
    const postmaster = storage === 'pg' ? bash(`CPUS=0,1 ${join(neutral, 'pg/start.sh')} | tail -1`).trim() : undefined
    if (postmaster !== undefined) bash(RECREATE)
    rmSync(join(benchDir, `madrigal-${storage === 'pg' ? 'postgres' : 'sqlite'}`), { recursive: true, force: true })
    const given = { PORT, BENCH_MAM: '1', BENCH_CPU: '0', ...(storage === 'pg' ? { BENCH_STORAGE: URL } : {}) }
    const fresh = (): string => bash(`${helper} stop; ${helper} start`, given).trim()
    const run = (args: readonly string[], label: string, pid: string): void => {
      const pids = postmaster === undefined ? pid : `${pid},${postmaster}+`
      const generator = `taskset -c 1 ${join(benchDir, 'xmppload')} ${args.join(' ')} -p ${PORT} --mech scram1`
      const out = bash(`${generator} --server-pid ${pids} --label madrigal-mam-${storage}:${label}`)
      appendFileSync(join(results, 'madrigal.jsonl'), out.replaceAll(/^[^{].*\n/gm, ''))
    }
    run(FILL, 'fill-10k', fresh())
    let pid = fresh()
    for (const { label, args } of scenarios) {
      if (label === 'chat') pid = fresh()
      for (let i = 0; i < REPETITIONS; i++) run(args, label, pid)
    }
    bash(`${helper} stop`, given)
    if (postmaster !== undefined) bash(join(neutral, 'pg/stop.sh'))
  }
}

const URL = 'postgresql://bench:bench@127.0.0.1:15350/madrigal'
const RECREATE = `PGPASSWORD=bench psql -q -U bench -h 127.0.0.1 -p 15350 postgres -c 'drop database if exists madrigal' -c 'create database madrigal'`

function report(results: string): void {
  if (!existsSync(results)) return
  const runs = readResults(results)
  console.log('\nserver CPU in µs per operation (median), and how many times ours the others take\n')
  console.log('archive                Madrigal    Prosody   ejabberd    P÷M (want)       e÷M (want)')
  for (const storage of ['sqlite', 'pg'] as const) {
    for (const { label, want } of scenarios) {
      const of = (server: string): number | undefined => medianCpu(runs, `${server}-mam-${storage}:${label}`)
      const [ours, prosody, ejabberd] = [of('madrigal'), of('prosody'), of('ejabberd')]
      const cell = (value: number | undefined): string => (value === undefined ? '–' : value.toFixed(1)).padStart(10)
      const row = [`${storage} ${label}`.padEnd(21), cell(ours), cell(prosody), cell(ejabberd)]
      console.log(
        row.join('') + ratioCell(ours, prosody, want[storage][0]) + ratioCell(ours, ejabberd, want[storage][1]),
      )
    }
  }
}
