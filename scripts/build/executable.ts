/** Node with a blob inside it. */

import { execFileSync, spawnSync } from 'node:child_process'
import { chmodSync, copyFileSync, existsSync, renameSync } from 'node:fs'
import { join } from 'node:path'

/** Marks the place in Node's binary that says whether there is a blob (Node: Single executable applications). */
const sentinelFuse = 'NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2'

/** The Node that the checkout brings, else the one that runs now. */
export function ownNode(root: string): string {
  const own = join(root, 'node_modules/.bin/node')
  return existsSync(own) ? own : process.execPath
}

/** Leaves what was there until the new one is whole: it may be running. */
export function wrap(root: string, node: string, blob: string, folder: string, target: string): void {
  const copy = join(folder, 'madrigal')
  copyFileSync(node, copy)
  chmodSync(copy, 0o755)
  strip(copy)
  const inject = [join(root, 'node_modules/postject/dist/cli.js'), copy, 'NODE_SEA_BLOB', blob]
  const macho = process.platform === 'darwin' ? ['--macho-segment-name', 'NODE_SEA'] : []
  // What it says is worth reading only if it fails, and is then in the error: it warns of sections it does not know.
  execFileSync(node, [...inject, '--sentinel-fuse', sentinelFuse, ...macho], { stdio: 'pipe' })
  if (process.platform === 'darwin') spawnSync('codesign', ['--sign', '-', '--force', copy], { stdio: 'inherit' })
  renameSync(copy, target)
}

/** Takes the symbols out, 18 MiB, where there is a tool for it. Before the blob goes in: after it, the file is broken. */
function strip(copy: string): void {
  if (process.platform !== 'linux') return
  const { error, status } = spawnSync('strip', [copy], { stdio: ['ignore', 'ignore', 'inherit'] })
  if (error !== undefined) console.log('no strip (package binutils): the executable keeps its symbols, about 18 MiB')
  else if (status !== 0) throw new Error(`strip ended with ${status}`)
}
