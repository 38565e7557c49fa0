/** A thread that runs plays in one way: whoever runs them in several uses all processors. */
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads'
import { PlayHouse } from './play-house.ts'
import { runAll } from './repertoire.ts'
import type { RunOptions } from './runner.ts'
import type { StorageName } from './server.ts'

/** What there is to do. */
export interface Engagement {
  readonly files: readonly string[]
  readonly storage: StorageName
  readonly options: RunOptions
  /** Plays at a time. */
  readonly jobs: number
}

/** Runs them on our own server, in a thread of its own; gives what `runAll` has printed. */
export async function runInThread(engagement: Engagement): Promise<readonly string[]> {
  const lines: string[] = []
  const thread = new Worker(new URL(import.meta.url), { workerData: engagement })
  thread.on('message', (line: string) => void lines.push(line))
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  thread.once('error', reject)
  thread.once('exit', resolve)
  const code = await promise
  if (code !== 0) throw new Error(`the thread that runs plays has ended with ${code}`)
  return lines
}

if (!isMainThread && parentPort !== null) {
  const port = parentPort
  await using house = new PlayHouse()
  // `runInThread` has put it there.
  const { files, storage, options, jobs } = workerData as Engagement
  const performances = files.map(
    (file) => ({ file, stage: { kind: 'own', storage, start: house.start }, options }) as const,
  )
  await runAll(performances, jobs, (line) => port.postMessage(line))
}
