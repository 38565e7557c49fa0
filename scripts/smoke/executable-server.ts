/** The single executable as a server for plays: with no environment, in a folder of its own that is removed afterwards. */

import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import type { PlayAccount, PlayServer, StorageName } from '../../spec/play/server.ts'

/** Starts `file`, and gives it the accounts by its own command line. Throws if anything of that fails. */
export async function startExecutable(
  file: string,
  storage: StorageName,
  accounts: readonly PlayAccount[],
): Promise<PlayServer> {
  const folder = await makeFolder(storage, new Set(['localhost', ...accounts.map(({ domain }) => domain)]))
  const server = await start(file, folder)
  for (const { node, domain, password } of accounts) {
    await command(file, folder, ['user', 'add', `${node}@${domain}`], password)
  }
  const close = async (): Promise<void> => {
    await stop(server)
    await rm(folder, { recursive: true })
  }
  return { connect: { tcp: { path: join(folder, SOCKET) } }, close }
}

/** How long a start takes until it listens, at its best of five; before them there is one that makes what is missing. */
export async function secondsToListen(file: string): Promise<number> {
  const folder = await makeFolder('sqlite', new Set(['localhost']))
  const times: number[] = []
  for (let turn = 0; turn < 6; turn++) {
    const began = performance.now()
    const server = await start(file, folder)
    times.push((performance.now() - began) / 1000)
    await command(file, folder, ['status'])
    await stop(server)
  }
  await rm(folder, { recursive: true })
  return Math.min(...times.slice(1))
}

/** Runs one command, and gives what it printed. Throws if it fails; what it said to stderr has been seen by then. */
export async function command(file: string, folder: string, args: readonly string[], input = ''): Promise<string> {
  const child = run(file, folder, args)
  child.stdin.end(`${input}\n`)
  const said = await child.stdout.setEncoding('utf8').toArray()
  const code = await exitCode(child)
  if (code !== 0) throw new Error(`madrigal ${args.join(' ')} ended with ${code}`)
  return said.join('')
}

const SOCKET = 'c2s.sock'

async function makeFolder(storage: StorageName, domains: ReadonlySet<string>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'madrigal-smoke-'))
  const configuration = [
    'hosts:',
    ...[...domains].map((domain) => `  ${domain}:\n  conference.${domain}: { is: muc }`),
    `storage: { driver: ${storage} }`,
    `listen: { c2s: ["unix:${join(folder, SOCKET)}"], c2s_tls: [], http: [] }`,
    '',
  ]
  await writeFile(join(folder, 'madrigal.yaml'), configuration.join('\n'))
  return folder
}

type Running = ChildProcessByStdio<Writable, Readable, null>

function run(file: string, folder: string, args: readonly string[]): Running {
  return spawn(file, args, { cwd: folder, env: {}, stdio: ['pipe', 'pipe', 'inherit'] })
}

/** Reads the log until it says that clients may connect, and lets the rest of it flow. */
async function start(file: string, folder: string): Promise<Running> {
  const server = run(file, folder, ['start'])
  const lines: string[] = []
  for await (const line of createInterface({ input: server.stdout })) {
    lines.push(line)
    if (!/listening on .* for clients"/.test(line)) continue
    server.stdout.resume()
    return server
  }
  throw new Error(`the executable did not start:\n${lines.join('\n')}`)
}

/** Throws if it does not end as it should. */
async function stop(server: Running): Promise<void> {
  server.kill('SIGTERM')
  const code = await exitCode(server)
  if (code !== 0) throw new Error(`the executable ended with ${code}`)
}

async function exitCode(child: Running): Promise<number | string> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  return child.exitCode ?? child.signalCode ?? 'nothing'
}
