/** The single executable as a server for plays: with no environment, in a folder of its own that is removed afterwards. */

import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import type { PlayAccount, PlayServer, StorageName } from '../../spec/play/server.ts'

/**
 * Gives `file` the accounts by its own command line, and starts it with `config`, which is YAML. Throws if anything of
 * that fails.
 */
export async function startExecutable(
  file: string,
  storage: StorageName,
  accounts: readonly PlayAccount[],
  config: string,
): Promise<PlayServer> {
  const folder = await makeFolder(storage, config)
  // Before it starts: to a server without accounts it would give one of its own.
  for (const { node, domain, password } of accounts) {
    await command(file, folder, ['user', 'add', `${node}@${domain}`], password)
  }
  const { server, ports } = await start(file, folder)
  const close = async (): Promise<void> => {
    await stop(server)
    await rm(folder, { recursive: true })
  }
  const at = (entrance: string): { host: string; port: number } => ({ host: HOST, port: ports.get(entrance) ?? 0 })
  const webSocketUrl = `ws://${HOST}:${ports.get('web clients')}/xmpp-websocket`
  return { connect: { tcp: at('clients'), tls: at('clients with TLS'), webSocketUrl }, close }
}

/** How long a start takes until it listens, at its best of five; before them there is one that makes what is missing. */
export async function secondsToListen(file: string): Promise<number> {
  const folder = await makeFolder('sqlite', '')
  const times: number[] = []
  for (let turn = 0; turn < 6; turn++) {
    const began = performance.now()
    const { server } = await start(file, folder)
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

const HOST = '127.0.0.1'

async function makeFolder(storage: StorageName, config: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'madrigal-smoke-'))
  const own = [
    `storage: { driver: ${storage} }`,
    `listen: { c2s: ["${HOST}:0"], c2s_tls: ["${HOST}:0"], http: ["${HOST}:0"] }`,
  ]
  await writeFile(join(folder, 'madrigal.yaml'), [config, ...own, ''].join('\n'))
  return folder
}

type Running = ChildProcessByStdio<Writable, Readable, null>

function run(file: string, folder: string, args: readonly string[]): Running {
  return spawn(file, args, { cwd: folder, env: {}, stdio: ['pipe', 'pipe', 'inherit'] })
}

interface Started {
  readonly server: Running
  /** For whom, in the words of the log. */
  readonly ports: ReadonlyMap<string, number>
}

/** Reads the log until it says that everybody may connect, and lets the rest of it flow. */
async function start(file: string, folder: string): Promise<Started> {
  const server = run(file, folder, ['start'])
  const lines: string[] = []
  const ports = new Map<string, number>()
  for await (const line of createInterface({ input: server.stdout })) {
    lines.push(line)
    const [, port, whom] = /listening on \S+:(\d+) for ([^"]+)"/.exec(line) ?? []
    if (whom === undefined) continue
    ports.set(whom, Number(port))
    if (ports.size < 3) continue
    server.stdout.resume()
    return { server, ports }
  }
  server.kill()
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
