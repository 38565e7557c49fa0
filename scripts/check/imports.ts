/** Which part may import which (DESIGN §2): downward only, and no module another. */

import type { Import, Problem, Source } from './sources.ts'

/**
 * The parts from top to bottom. A file belongs to the longest path that it begins with, and imports from its own row
 * and those below.
 */
const layers: readonly (readonly string[])[] = [
  // The contract of storage drivers is a spec that lives beside what it is about.
  ['scripts/', 'spec/', 'storage/contract'],
  ['modules/catalogue.ts'],
  ['modules/'],
  ['server/'],
  ['server/host/', 'server/admin/'],
  ['server/router.ts'],
  ['server/session/', 'server/auth/', 'server/routed-stanza.ts', 'server/pending-iqs.ts'],
  ['server/stream/', 'server/net/'],
  ['server/protocol/', 'server/stanza-error.ts'],
  ['server/config/', 'server/metrics/', 'storage/'],
  ['server/xml/', 'server/jid/', 'server/log/'],
  ['server/util/', 'server/version.ts'],
]

/** What could be published alone: all that its files import of ours. */
const independent: Readonly<Record<string, readonly string[]>> = {
  'server/util/': ['server/util/'],
  'server/jid/': ['server/jid/', 'server/util/'],
  'server/xml/': ['server/xml/', 'server/jid/', 'server/util/'],
}

/** `packages` are those that are installed with the server, without those of development. */
export function importProblems(sources: readonly Source[], packages: ReadonlySet<string>): Problem[] {
  return sources.flatMap(({ path, imports }) =>
    imports.flatMap((one) => {
      const text = objection(path, one, packages)
      return text === undefined ? [] : [{ path, line: one.line, text }]
    }),
  )
}

function objection(path: string, { from, kind }: Import, packages: ReadonlySet<string>): string | undefined {
  const own = layerOf(path)
  if (own === undefined) return 'belongs to no layer: name it in scripts/check/imports.ts'
  if (own === 0 || from.startsWith('node:')) return undefined
  if (!isOurs(from)) return packages.has(packageOf(from)) ? undefined : `${from} is not installed with the server`
  const other = layerOf(from)
  if (other === undefined) return `${from} belongs to no layer`
  if (other < own) return `imports ${from}, which is above`
  const free = Object.entries(independent).find(([prefix]) => path.startsWith(prefix))?.[1]
  if (free !== undefined && !free.some((prefix) => from.startsWith(prefix))) return `imports ${from}: must stand alone`
  if (kind !== 'type' && areTwoModules(path, from)) return `imports ${from}: modules meet through services and hooks`
  return undefined
}

function layerOf(path: string): number | undefined {
  const prefixes = layers.flatMap((row, layer) => row.map((prefix) => ({ prefix, layer })))
  const fitting = prefixes.filter(({ prefix }) => path.startsWith(prefix))
  return fitting.toSorted((a, b) => b.prefix.length - a.prefix.length)[0]?.layer
}

function isOurs(from: string): boolean {
  return /^(server|modules|storage|spec|scripts)\//.test(from)
}

function packageOf(from: string): string {
  return from
    .split('/')
    .slice(0, from.startsWith('@') ? 2 : 1)
    .join('/')
}

/** A module is a file or a folder in `modules/`. */
function areTwoModules(path: string, from: string): boolean {
  const [one, other] = [path, from].map((file) => /^modules\/(mod_\w+)/.exec(file)?.[1])
  return one !== undefined && other !== undefined && one !== other
}
