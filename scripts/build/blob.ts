/** The part of the executable that is ours, in the form that Node finds in itself (Node: Single executable applications). */

import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'

/** `assets` are files by the names they are asked for. Must be made by the very Node that it is for. */
export function makeBlob(node: string, folder: string, main: string, assets: ReadonlyMap<string, string>): string {
  const output = join(folder, 'madrigal.blob')
  const config = join(folder, 'sea.json')
  const options = {
    // As a bare name: it is what stack traces show.
    main: basename(main),
    output,
    disableExperimentalSEAWarning: true,
    // Saves 40 ms of compiling. With V8 options that make other code (in NODE_OPTIONS), Node warns and compiles.
    useCodeCache: true,
    assets: Object.fromEntries(assets),
  }
  writeFileSync(config, JSON.stringify(options))
  execFileSync(node, ['--experimental-sea-config', config], { cwd: folder, stdio: 'pipe' })
  return output
}
