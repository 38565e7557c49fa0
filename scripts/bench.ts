/**
 * `npm run bench`: our own small benchmarks, and, where the neutral load generator is found, the scenarios side by side
 * with Prosody and ejabberd if they are installed. `npm run bench -- chat,login` runs single scenarios; `--own` only
 * the small ones, `--against` only the comparison.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

const root = join(import.meta.dirname, '..')
const neutral = [process.env['BENCH_GENERATOR'], join(root, '../shared/bench')].find((path) => path && existsSync(path))
const benchDir = process.env['BENCH_DIR'] ?? join(root, '.bench')
const { values: chosen, positionals } = parseArgs({
  allowPositionals: true,
  options: { own: { type: 'boolean' }, against: { type: 'boolean' } },
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

interface Run {
  readonly label: string
  readonly cpu_us_per_op: number
  readonly p50_us: number
  readonly p99_us: number
  readonly rss_after_kb: number
  readonly rss_before_kb: number
  readonly n?: number
  readonly errors: number
  readonly disconnects: number
  readonly failed_logins: number
}

if (!chosen.against) ownBenchmarks()
if (!chosen.own) compare()

function ownBenchmarks(): void {
  const files = readdirSync(join(root, 'scripts/bench')).filter(
    (file) => file.endsWith('.ts') && file !== 'madrigal.ts',
  )
  for (const file of files) {
    console.log(`\n== ${file}`)
    spawnSync(process.execPath, [join(root, 'scripts/bench', file)], { stdio: 'inherit' })
  }
}

function compare(): void {
  if (neutral === undefined) {
    console.log(
      '\nThe neutral load generator is not here: name its folder in BENCH_GENERATOR to compare with other servers.',
    )
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
  const runs = readdirSync(results)
    .filter((file) => file.endsWith('.jsonl'))
    .flatMap((file) => readRuns(join(results, file)))
  const cpu = (server: string, scenario: string): number | undefined =>
    median(runs.filter(({ label }) => label === `${server}:${labels[scenario]}`).map((one) => one.cpu_us_per_op))
  const cell = (value: number | undefined): string => (value === undefined ? '–' : value.toFixed(1)).padStart(10)
  console.log('\nserver CPU in µs per operation (median), and how many times ours the others take\n')
  console.log('scenario     Madrigal    Prosody   ejabberd    P÷M (want)       e÷M (want)')
  for (const scenario of scenarios) {
    const [ours, prosody, ejabberd] = ['madrigal', 'prosody-default', 'ejabberd-1n'].map((name) => cpu(name, scenario))
    const [wantProsody, wantEjabberd] = targets[scenario] ?? []
    const ratio = (other: number | undefined, want: number | undefined): string => {
      if (ours === undefined || other === undefined) return '–'.padStart(16)
      const mark = want === undefined ? '' : other / ours >= want ? ' ok' : ' no'
      return `${(other / ours).toFixed(1)} (${want ?? '–'})${mark}`.padStart(16)
    }
    console.log(
      scenario.padEnd(10) +
        cell(ours) +
        cell(prosody) +
        cell(ejabberd) +
        ratio(prosody, wantProsody) +
        ratio(ejabberd, wantEjabberd),
    )
  }
  const bad = runs.filter(({ errors, disconnects, failed_logins: failed }) => errors + disconnects + failed > 0)
  for (const { label } of bad) console.log(`errors in a run of ${label}`)
}

function readRuns(file: string): readonly Run[] {
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Run)
}

function median(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor((sorted.length - 1) / 2)]
}

function isInstalled(program: string): boolean {
  return spawnSync('which', [program]).status === 0 || existsSync(`/usr/sbin/${program}`)
}
