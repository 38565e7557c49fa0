/** TypeScript and packages into one CommonJS script each: what a single executable of Node 24 can start from. */

import { join } from 'node:path'
import { build } from 'esbuild'

/** Optional parts of packages that we do without: native PostgreSQL, and sockets for another runtime. */
const leftOut = ['pg-native', 'pg-cloudflare']

/**
 * Bundles every entry (a path from the root) and gives the paths of the scripts, in the same order. Modules that are
 * imported by `import()` are inside, and run only when that line is reached. Names stay readable for stack traces.
 */
export async function bundle(root: string, folder: string, entries: readonly string[]): Promise<string[]> {
  const scripts = entries.map((entry) => ({
    in: join(root, entry),
    out: entry.replaceAll('/', '-').replace(/\.ts$/, ''),
  }))
  await build({
    entryPoints: scripts,
    outdir: folder,
    outExtension: { '.js': '.cjs' },
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'cjs',
    external: leftOut,
    charset: 'utf8',
    legalComments: 'none',
    logLevel: 'warning',
    // `import.meta.url` says where the checkout is. In the executable there is none, and nothing may ask.
    logOverride: { 'empty-import-meta': 'silent' },
  })
  return scripts.map(({ out }) => join(folder, `${out}.cjs`))
}
