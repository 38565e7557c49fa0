/** The TypeScript files of the project as text, and what they import: told by their lines, which oxfmt keeps regular. */

import { globSync, readFileSync } from 'node:fs'
import { dirname, join, posix } from 'node:path'

export interface Source {
  /** From the root of the checkout, with `/`. */
  readonly path: string
  readonly text: string
  readonly imports: readonly Import[]
}

export interface Import {
  /** A path from the root of the checkout, or the name of a package or of a part of Node. */
  readonly from: string
  /** The names it takes; none if it is only run or taken whole. */
  readonly names: readonly string[]
  /** `type` if nothing of it is left at run time; `later` if it is loaded when a line is reached. */
  readonly kind: 'type' | 'value' | 'later'
  readonly line: number
}

/** What one check has to say of one line. */
export interface Problem {
  readonly path: string
  readonly line: number
  readonly text: string
}

export function readSources(root: string): Source[] {
  const paths = globSync('{server,modules,storage,spec,scripts}/**/*.ts', { cwd: root }).toSorted()
  return paths.map((path) => sourceOf(path.replaceAll('\\', '/'), readFileSync(join(root, path), 'utf8')))
}

export function sourceOf(path: string, text: string): Source {
  const statics = [...text.matchAll(/^(?:import|export)\b([^'"`;]*?)\bfrom '([^']+)'/gm)].map((found) => ({
    from: resolve(path, found[2]!),
    names: namesIn(found[1]!),
    kind: isTypeOnly(found[1]!) ? ('type' as const) : ('value' as const),
    line: lineOf(text, found.index),
  }))
  const others = [...text.matchAll(/^import '([^']+)'|\bimport\('([^']+)'\)(\.?)/gm)].map((found) => ({
    from: resolve(path, (found[1] ?? found[2])!),
    names: [],
    // `import('./x.ts').T` names a type; a module that is loaded is awaited or handed on first.
    kind: found[1] !== undefined ? ('value' as const) : found[3] === '.' ? ('type' as const) : ('later' as const),
    line: lineOf(text, found.index),
  }))
  return { path, text, imports: [...statics, ...others] }
}

export function lineOf(text: string, index: number): number {
  return text.slice(0, index).split('\n').length
}

function resolve(path: string, from: string): string {
  return from.startsWith('.') ? posix.normalize(posix.join(dirname(path), from)) : from
}

function isTypeOnly(clause: string): boolean {
  if (/^\s+type\b(?!\s*,)/.test(clause)) return true
  const inBraces = /^\s*\{([^}]*)\}\s*$/.exec(clause)?.[1]
  return inBraces !== undefined && namesOf(inBraces).every((name) => name.startsWith('type '))
}

function namesIn(clause: string): string[] {
  const inBraces = /\{([^}]*)\}/.exec(clause)?.[1] ?? ''
  return namesOf(inBraces).map((name) => name.replace(/^type /, '').replace(/.* as /, ''))
}

function namesOf(list: string): string[] {
  return list
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '')
}
