/** What package.json and package-lock.json owe a fresh clone: they agree, name no registry, and need no script to run. */

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Problem } from './sources.ts'

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly allowScripts?: Readonly<Record<string, boolean>>
}

interface Locked extends Manifest {
  readonly resolved?: string
  readonly hasInstallScript?: boolean
}

const kinds = ['dependencies', 'devDependencies', 'optionalDependencies'] as const

export function readManifest(root: string): Manifest {
  return JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as Manifest
}

export function packageProblems(root: string): Problem[] {
  const manifest = readManifest(root)
  const text = readFileSync(join(root, 'package-lock.json'), 'utf8')
  const { packages } = JSON.parse(text) as { packages: Readonly<Record<string, Locked>> }
  return [...disagreements(manifest, packages[''] ?? {}), ...Object.entries(packages).flatMap(lockProblems(manifest))]
}

function disagreements(manifest: Manifest, locked: Manifest): Problem[] {
  return kinds
    .filter((kind) => !isSame(manifest[kind] ?? {}, locked[kind] ?? {}))
    .map((kind) => problem('package-lock.json', `its ${kind} are not those of package.json: run npm install`))
}

function isSame(one: Readonly<Record<string, string>>, other: Readonly<Record<string, string>>): boolean {
  const names = new Set([...Object.keys(one), ...Object.keys(other)])
  return [...names].every((name) => one[name] === other[name])
}

function lockProblems({ allowScripts = {} }: Manifest): (entry: [path: string, locked: Locked]) => Problem[] {
  return ([path, { resolved, hasInstallScript }]) => {
    const name = path.slice(path.lastIndexOf('node_modules/') + 'node_modules/'.length)
    const host =
      resolved !== undefined && problem('package-lock.json', `${path} names where it was fetched: ${resolved}`)
    const script =
      hasInstallScript === true &&
      allowScripts[name] === undefined &&
      problem(
        'package.json',
        `${name} has an install script: make sure that we do without, and note it in allowScripts`,
      )
    return [host, script].filter((found) => found !== false)
  }
}

function problem(path: string, text: string): Problem {
  return { path, line: 1, text }
}
