/** What the neutral load generator has written down. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

export interface Run {
  readonly label: string
  readonly cpu_us_per_op: number
  readonly errors: number
  readonly disconnects: number
  readonly failed_logins: number
}

/** All runs in the files of a folder. */
export function readResults(folder: string): readonly Run[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.jsonl'))
    .flatMap((file) => readFileSync(join(folder, file), 'utf8').split('\n'))
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Run)
}

/** The median of the runs with that label; undefined if there are none. */
export function medianCpu(runs: readonly Run[], label: string): number | undefined {
  const sorted = runs
    .filter((run) => run.label === label)
    .map((run) => run.cpu_us_per_op)
    .toSorted((a, b) => a - b)
  return sorted[Math.floor((sorted.length - 1) / 2)]
}

/** How many times as much another takes, and whether that is what we want. */
export function ratioCell(ours: number | undefined, other: number | undefined, want: number | undefined): string {
  if (ours === undefined || other === undefined) return '–'.padStart(16)
  const mark = want === undefined ? '' : other / ours >= want ? ' ok' : ' no'
  return `${(other / ours).toFixed(1)} (${want ?? '–'})${mark}`.padStart(16)
}
