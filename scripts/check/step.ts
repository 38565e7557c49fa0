/** One step of the check: something that passes, or fails with words that say why. */

import { spawn } from 'node:child_process'
import type { Problem } from './sources.ts'

export interface Step {
  readonly name: string
  readonly run: () => Promise<Result>
}

export interface Result {
  readonly passed: boolean
  /** What to show if it did not pass. */
  readonly words: string
}

/** A step that reads and has an opinion. */
export function opinion(name: string, problems: () => readonly Problem[]): Step {
  return {
    name,
    run: () => {
      const words = problems().map(({ path, line, text }) => `${path}:${line}: ${text}\n`)
      return Promise.resolve({ passed: words.length === 0, words: words.join('') })
    },
  }
}

/** A step that is a program of its own: a file for Node with its arguments. It passes if the exit code is 0. */
export function program(name: string, root: string, args: readonly string[]): Step {
  return {
    name,
    run: () =>
      new Promise((done, fail) => {
        const env = { ...process.env, NO_COLOR: '1' }
        const child = spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
        const said: Buffer[] = []
        child.stdout.on('data', (chunk: Buffer) => said.push(chunk))
        child.stderr.on('data', (chunk: Buffer) => said.push(chunk))
        child.on('error', fail)
        child.on('close', (code) => done({ passed: code === 0, words: Buffer.concat(said).toString() }))
      }),
  }
}

/** Runs it and prints a line with its time, and below it what it has to say; gives whether it passed. */
export async function perform({ name, run }: Step): Promise<boolean> {
  const began = performance.now()
  const { passed, words } = await run()
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  console.log(`${passed ? 'ok    ' : 'FAILED'} ${seconds.padStart(6)} s  ${name}`)
  if (!passed) console.log(words.trimEnd().replaceAll(/^/gm, '  '))
  return passed
}
