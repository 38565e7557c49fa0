/** Our server as a process of its own, with its data in a folder, which may be killed and started again. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import type { ServerAddress } from '../play/connection.ts'

export interface ChildServer extends AsyncDisposable {
  /** Its socket for clients, the same after each start. */
  readonly address: ServerAddress
  /** Resolves when clients can connect. */
  start(): Promise<void>
  /** Ends it as a power cut would: it has no time for anything. */
  kill(): Promise<void>
  /** Tells it to stop, and waits until it has. */
  stop(): Promise<void>
}

const MAIN = resolve(import.meta.dirname, '../../scripts/main.ts')

/** Not started yet; `config` is YAML, `data` and `listen` are given. */
export async function childServer(config: string): Promise<ChildServer> {
  const folder = await mkdtemp(join(tmpdir(), 'madrigal-child-'))
  const socket = join(folder, 'c2s.sock')
  const file = join(folder, 'madrigal.yaml')
  const listen = `listen: { c2s: [${JSON.stringify(`unix:${socket}`)}], c2s_tls: [], http: [] }`
  await writeFile(file, `data: ${JSON.stringify(join(folder, 'data'))}\n${listen}\n${config}\n`)
  let child: ChildProcess | undefined

  const end = async (signal: 'SIGKILL' | 'SIGTERM'): Promise<void> => {
    const running = child
    child = undefined
    if (running === undefined || running.exitCode !== null) return
    running.kill(signal)
    await once(running, 'exit')
  }
  const kill = (): Promise<void> => end('SIGKILL')

  return {
    address: { tcp: { path: socket } },
    kill,
    stop: () => end('SIGTERM'),
    start: async () => {
      const started = spawn(process.execPath, [MAIN, '--config', file, 'start'], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      child = started
      const lines: string[] = []
      for await (const line of createInterface({ input: started.stdout })) {
        lines.push(line)
        if (!/listening on .* for clients/.test(line)) continue
        started.stdout.resume()
        return
      }
      throw new Error(`the server did not start:\n${lines.join('\n')}`)
    },
    [Symbol.asyncDispose]: async () => {
      await kill()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
