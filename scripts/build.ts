/**
 * Makes `dist/madrigal`: the server with all its modules, its workers and Node itself in one file, for the kind of
 * machine that it is made on. Every step is in `scripts/build/`; the why of them in docs/adr/0010-single-executable.md.
 */

import { mkdirSync, rmSync, statSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { bundle } from './build/bundle.ts'
import { makeBlob } from './build/blob.ts'
import { ownNode, wrap } from './build/executable.ts'

/** Threads of the server, each bundled by itself: what `workerSource` is asked for. */
const workers = ['storage/sqlite/worker.ts']

/** Other files that are asked for by `readAsset`. */
const files: readonly string[] = []

const root = dirname(import.meta.dirname)
const folder = join(root, 'dist')
const temporary = join(folder, '.build')
const target = join(folder, process.platform === 'win32' ? 'madrigal.exe' : 'madrigal')

const began = performance.now()
rmSync(temporary, { recursive: true, force: true })
mkdirSync(temporary, { recursive: true })
const scripts = await bundle(root, temporary, ['scripts/main.ts', ...workers])
const [main = '', ...bundledWorkers] = scripts
const assets = new Map([
  ...workers.map((path, index) => [path, bundledWorkers[index] ?? ''] as const),
  ...files.map((path) => [path, join(root, path)] as const),
])
const node = ownNode(root)
const blob = makeBlob(node, temporary, main, assets)
wrap(root, node, blob, temporary, target)
rmSync(temporary, { recursive: true })

const size = statSync(target).size / 2 ** 20
console.log(`${target}: ${size.toFixed(0)} MiB, made in ${((performance.now() - began) / 1000).toFixed(1)} s`)
