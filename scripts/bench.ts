/**
 * `npm run bench`: our own small benchmarks, and, where the neutral load generator is found, the scenarios side by side
 * with Prosody and ejabberd if they are installed. `npm run bench -- chat,login` runs single scenarios; `--own` only
 * the small ones, `--against` only the comparison; `--archive` compares archives.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { compareArchives } from './bench-archive.ts'
import { medianCpu, ratioCell, readResults } from './bench/results.ts'

const root = join(import.meta.dirname, '..')
const neutral = [process.env['BENCH_GENERATOR'], join(root, '../shared/bench')].find((path) => path && existsSync(path))
const benchDir = process.env['BENCH_DIR'] ?? join(root, '.bench')
const { values: chosen, positionals } = parseArgs({
  allowPositionals: true,
  options: { own: { type: 'boolean' }, against: { type: 'boolean' }, archive: { type: 'boolean' } },
})
const wanted = positionals.flatMap((words) => words.split(','))

/** How many times cheaper than the others we want to be (µs of server CPU per operation). */
const targets: Readonly<Record<string, readonly [prosody: number, ejabberd: number]>> = {
  chat: [8, 7],
  chat1: [5, 3.5],
  chatt1: [4, 3],
  iq10: [6, 4],
  presence: [6, 5],
  muc: [15, 4],
  mucbig: [15, 4],
  login: [5, 1.3],
  chatb: [15, 6],
}

/** The names that the generator's scripts give to their runs. */
const labels: Readonly<Record<string, string>> = {
  chat: 'chat',
  chat1: 'chat-w1',
  chatt1: 'chat-tls-w1',
  iq10: 'iq-w10',
  presence: 'presence',
  muc: 'muc-10x50',
  mucbig: 'muc-1x500',
  login: 'login-scram',
  chatb: 'chat-3000idle',
  logint: 'login-starttls',
  idle: 'idle',
  idlet: 'idle-tls',
  chatr: 'chat-real',
  chatc: 'chat-carbons',
  mucjoin: 'mucjoin-500',
}

if (chosen.archive) archives()
else {
  if (!chosen.against) ownBenchmarks()
  if (!chosen.own) compare()
}

function ownBenchmarks(): void {
  const files = readdirSync(join(root, 'scripts/bench')).filter(
    (file) => file.endsWith('.ts') && !['big-archive.ts', 'madrigal.ts', 'results.ts'].includes(file),
  )
  for (const file of files) {
    console.log(`\n== ${file}`)
    spawnSync(process.execPath, [join(root, 'scripts/bench', file)], { stdio: 'inherit' })
  }
}

const MISSING =
  '\nThe neutral load generator is not here: name its folder in BENCH_GENERATOR to compare with other servers.'

function archives(): void {
  if (neutral === undefined) console.log(MISSING)
  else compareArchives(neutral, benchDir, root)
}

function compare(): void {
  if (neutral === undefined) {
    console.log(MISSING)
    return
  }
  const scenarios = (wanted.length > 0 ? wanted : Object.keys(targets)).join(',')
  const results = join(benchDir, 'results')
  rmSync(results, { recursive: true, force: true })
  mkdirSync(results, { recursive: true })
  const env = { ...process.env, BENCH_DIR: benchDir }
  const helper = `${process.execPath} ${join(root, 'scripts/bench/madrigal.ts')}`
  const ours = { ...env, SERVER_START: `${helper} start`, SERVER_STOP: `${helper} stop`, PORT: '15330' }
  run(['run-server.sh', 'madrigal', '15330', scenarios], ours)
  if (isInstalled('prosody')) run(['run-prosody.sh', 'default', scenarios], env)
  if (isInstalled('ejabberdctl')) run(['run-ejabberd.sh', '1n', scenarios], env)
  report(results, scenarios.split(','))
}

function run([script = '', ...args]: readonly string[], env: NodeJS.ProcessEnv): void {
  console.log(`\n== ${script} ${args.join(' ')}`)
  spawnSync('bash', [join(neutral ?? '', script), ...args], { stdio: 'inherit', env, cwd: benchDir })
}

function report(results: string, scenarios: readonly string[]): void {
  const runs = readResults(results)
  const cpu = (server: string, scenario: string): number | undefined => medianCpu(runs, `${server}:${labels[scenario]}`)
  const cell = (value: number | undefined): string => (value === undefined ? '–' : value.toFixed(1)).padStart(10)
  console.log('\nserver CPU in µs per operation (median), and how many times ours the others take\n')
  console.log('scenario     Madrigal    Prosody   ejabberd    P÷M (want)       e÷M (want)')
  for (const scenario of scenarios) {
    const [ours, prosody, ejabberd] = ['madrigal', 'prosody-default', 'ejabberd-1n'].map((name) => cpu(name, scenario))
    const [wantProsody, wantEjabberd] = targets[scenario] ?? []
    console.log(
      scenario.padEnd(10) +
        cell(ours) +
        cell(prosody) +
        cell(ejabberd) +
        ratioCell(ours, prosody, wantProsody) +
        ratioCell(ours, ejabberd, wantEjabberd),
    )
  }
  const bad = runs.filter(({ errors, disconnects, failed_logins: failed }) => errors + disconnects + failed > 0)
  for (const { label } of bad) console.log(`errors in a run of ${label}`)
}

function isInstalled(program: string): boolean {
  return spawnSync('which', [program]).status === 0 || existsSync(`/usr/sbin/${program}`)
}
