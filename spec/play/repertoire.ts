/** Runs many plays, in several ways each, some at a time, and says how each went. */
import { readFileSync } from 'node:fs'
import { accountsOf } from './accounts.ts'
import type { ServerAddress } from './connection.ts'
import { parseScript } from './parse-script.ts'
import { type Outcome, runPlay, type RunOptions } from './runner.ts'
import { ScriptError, type Script } from './script.ts'
import type { PlayServerFactory, StorageName } from './server.ts'

/** On whose stage: a clean server for each play, or one that runs somewhere and is used for all. */
export type Stage =
  | { readonly kind: 'own'; readonly storage: StorageName; readonly start: PlayServerFactory }
  | { readonly kind: 'foreign'; readonly address: ServerAddress }

export interface Performance {
  readonly file: string
  readonly stage: Stage
  readonly options: RunOptions
}

/** Runs all of them, `jobs` at a time, and prints a line or more for each as it ends. Gives how many have failed. */
export async function runAll(
  performances: readonly Performance[],
  jobs: number,
  print: (line: string) => void,
): Promise<number> {
  const waiting = [...performances]
  let failures = 0
  const worker = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const began = performance.now()
      const lines = await perform(next)
      const seconds = ((performance.now() - began) / 1_000).toFixed(2)
      const [problem, ...report] = lines
      const name = `${next.file} (${describe(next)})`
      if (problem === undefined) {
        print(`ok ${name} ${seconds} s`)
        continue
      }
      failures++
      print([`FAILED ${name} ${seconds} s`, problem, ...report.map((line) => `  ${line}`)].join('\n    '))
    }
  }
  await Promise.all(Array.from({ length: jobs }, worker))
  return failures
}

/** Gives no lines if the play has passed, else what was wrong and then the details. */
async function perform({ file, stage, options }: Performance): Promise<readonly string[]> {
  try {
    const script = parseScript(readFileSync(file, 'utf8'), file)
    return describeOutcome(script, await onStage(script, stage, options))
  } catch (error) {
    if (error instanceof ScriptError) return [error.message]
    if (error instanceof Error) return [error.message, ...(error.stack ?? '').split('\n')]
    throw error
  }
}

async function onStage(script: Script, stage: Stage, options: RunOptions): Promise<Outcome> {
  if (stage.kind === 'foreign') return runPlay(script, stage.address, options)
  const server = await stage.start(stage.storage, accountsOf(script), script.config)
  try {
    const { connect, settled } = server
    return await runPlay(script, connect, settled === undefined ? options : { ...options, settled })
  } finally {
    await server.close()
  }
}

function describe({ stage, options: { transport } }: Performance): string {
  return stage.kind === 'own' ? `${stage.storage}, ${transport}` : transport
}

function describeOutcome({ file, text }: Script, outcome: Outcome): readonly string[] {
  if (outcome.passed) return []
  const { line, problem, report } = outcome
  const said = text.split('\n')[line - 1]?.trim().replace(/:$/, '') ?? ''
  return [`${file}:${line}: ${said}: ${problem}`, ...report]
}
