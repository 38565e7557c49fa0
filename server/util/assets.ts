/**
 * Files that the server needs at run time beside its own code, named by their path in the checkout. In the source tree
 * they are read from there; the single executable carries them inside (docs/adr/0010-single-executable.md).
 *
 * What is asked for here must be named in `scripts/build.ts`, or the executable is without it.
 */

import { readFileSync } from 'node:fs'
import { getAsset, isSea } from 'node:sea'

/** Whether this is the single executable: there is then no checkout, and no file of ours on the disk. */
export function isExecutable(): boolean {
  return isSea()
}

/** The bytes of a file. Throws if there is none, or the executable was built without it. */
export function readAsset(path: string): Uint8Array {
  return isSea() ? new Uint8Array(getAsset(path)) : readFileSync(urlOf(path))
}

/** The same as text in UTF-8. */
export function readTextAsset(path: string): string {
  return isSea() ? getAsset(path, 'utf8') : readFileSync(urlOf(path), 'utf8')
}

/**
 * What a `Worker` is started from: where its TypeScript file is, or in the executable the script that it was bundled
 * into, as text, for which `eval: true` is needed.
 */
export function workerSource(path: string): URL | string {
  return isSea() ? getAsset(path, 'utf8') : urlOf(path)
}

function urlOf(path: string): URL {
  return new URL(`../../${path}`, import.meta.url)
}
