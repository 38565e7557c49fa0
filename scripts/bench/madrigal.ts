/**
 * Starts and stops our server for the neutral load generator: `start` prints the process id, `stop` ends it. Data and
 * results are in BENCH_DIR; accounts u0…u5999 with the password benchpw are made at the first start. PORT is where it
 * listens, BENCH_STORAGE the storage (sqlite, memory; or the URL of an empty PostgreSQL), BENCH_CPU the processor that
 * it is pinned to;
 * BENCH_MAM=1 turns archives on, which the neutral scenarios of the others do without.
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type { StoredAccount } from '../../server/auth/accounts.ts'
import { makeCredentials } from '../../server/auth/credentials.ts'
import { KeyDerivationQueue } from '../../server/auth/pbkdf2.ts'
import { systemClock } from '../../server/util/clock.ts'
import { SystemRandom } from '../../server/util/random.ts'
import { Storage } from '../../storage/storage.ts'
import { keyval } from '../../storage/store.ts'

const ACCOUNTS = 6000
const root = join(import.meta.dirname, '..', '..')
const port = Number(process.env['PORT'] ?? 15_330)
const wanted = process.env['BENCH_STORAGE'] ?? 'sqlite'
const url = wanted.startsWith('postgres') ? wanted : undefined
const driver = url === undefined ? (wanted === 'memory' ? 'memory' : 'sqlite') : 'postgres'
const folder = join(process.env['BENCH_DIR'] ?? join(root, '.bench'), `madrigal-${driver}`)
const pidFile = join(folder, 'pid')
const config = join(folder, 'madrigal.yaml')
/** There once the accounts are. */
const made = join(folder, 'accounts-made')

if (process.argv[2] === 'stop') await stop()
else await start()

async function start(): Promise<void> {
  await stop()
  mkdirSync(folder, { recursive: true })
  writeFileSync(config, configText())
  if (!existsSync(made)) await makeAccounts()
  const out = openSync(join(folder, 'out.log'), 'w')

  const flags = (process.env['BENCH_NODE_FLAGS'] ?? '').split(' ').filter((flag) => flag !== '')
  const args = ['-c', process.env['BENCH_CPU'] ?? '0', process.execPath, ...flags]
  args.push(join(root, 'scripts/main.ts'), '--config', config, 'start')
  const child = spawn('taskset', args, { cwd: folder, detached: true, stdio: ['ignore', out, out] })
  child.unref()
  writeFileSync(pidFile, String(child.pid))
  for (let tries = 0; !(await isListening()); tries++) {
    if (tries > 100) throw new Error(`the server does not listen; see ${join(folder, 'out.log')}`)
    await pause(50)
  }
  process.stdout.write(`${child.pid}\n`)
}

async function stop(): Promise<void> {
  if (!existsSync(pidFile)) return
  const pid = Number(readFileSync(pidFile, 'utf8'))
  rmSync(pidFile)
  signal(pid, 'SIGTERM')
  for (let tries = 0; tries < 100 && isAlive(pid); tries++) await pause(50)
  signal(pid, 'SIGKILL')
}

/** No limits that a load generator on one address would run into; everything else as it comes. */
function configText(): string {
  return `data: ${folder}
storage: ${JSON.stringify(url === undefined ? { driver } : { driver, url })}
listen: { c2s: ["127.0.0.1:${port}"], c2s_tls: ["127.0.0.1:${port + 1}"], http: ["127.0.0.1:${port + 2}"] }
c2s: { rate: unlimited }
log: { level: warn }
modules: { mam: ${process.env['BENCH_MAM'] === '1'} }
hosts:
  localhost: {}
  conference.localhost: { is: muc }
`
}

/** One set of keys for all: what is measured is logging in, not making accounts. */
async function makeAccounts(): Promise<void> {
  if (driver === 'memory') return
  const given = { clock: systemClock }
  await using life = new AsyncDisposableStack()
  const storage = await Storage.start({ driver, url, path: join(folder, 'madrigal.sqlite') }, given)
  life.defer(() => storage.close())
  const { accounts } = await storage.open('localhost', { accounts: keyval<StoredAccount>('accounts') })
  const credentials = await makeCredentials('benchpw', { pbkdf2: new KeyDerivationQueue(), random: new SystemRandom() })
  const account: StoredAccount = { credentials, role: 'user', createdAt: 0 }
  await Promise.all(Array.from({ length: ACCOUNTS }, (_, i) => accounts.set(`u${i}`, account)))
  writeFileSync(made, '')
}

function isListening(): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => resolve(true)).once('error', () => resolve(false))
    socket.once('connect', () => socket.destroy())
  })
}

function isAlive(pid: number): boolean {
  return spawnSync('kill', ['-0', String(pid)]).status === 0
}

function signal(pid: number, name: string): void {
  spawnSync('kill', [`-${name.slice(3)}`, String(pid)])
}
