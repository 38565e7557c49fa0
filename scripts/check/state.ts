/**
 * No state at the top of a file (STYLE.md, rule 14): what a thing needs is given to it. Finds what may change there:
 * `let`, objects that live, and collections that some line of the project changes.
 */

import { lineOf } from './sources.ts'
import type { Problem, Source } from './sources.ts'

/** Where it is right all the same, and why. */
const allowed: Readonly<Record<string, string>> = {}

/** Classes whose instances do not change, or not so that another could tell. */
const harmless = new Set(['RegExp', 'TextEncoder', 'TextDecoder', 'Error', 'URL', 'Function', 'Date'])

const collections = new Set(['Map', 'Set', 'WeakMap', 'WeakSet', 'Array', 'Uint8Array', 'Uint16Array', 'Uint32Array'])

const changing = 'set|add|delete|clear|push|pop|shift|unshift|splice|sort|reverse|fill|copyWithin'

export function stateProblems(sources: readonly Source[]): Problem[] {
  const watched = sources.filter(({ path }) => /^(server|modules|storage)\//.test(path))
  return watched.flatMap((source) => [...variables(source), ...living(source), ...changed(source, watched)])
}

function variables({ path, text }: Source): Problem[] {
  return [...text.matchAll(/^(?:export )?(?:let|var) (\w+)/gm)].map(({ 1: name, index }) => ({
    path,
    line: lineOf(text, index),
    text: `${name} may change, and stands at the top of the file`,
  }))
}

function living({ path, text }: Source): Problem[] {
  return [...text.matchAll(/^(?:export )?const (\w+)[^=\n]* = new (\w+(?:\.\w+)*)\b/gm)]
    .filter(({ 1: name, 2: made }) => !isHarmless(made!) && allowed[`${path} ${name}`] === undefined)
    .map(({ 1: name, 2: made, index }) => ({
      path,
      line: lineOf(text, index),
      text: `${name} is a ${made} at the top of the file`,
    }))
}

function isHarmless(made: string): boolean {
  return harmless.has(made) || collections.has(made) || made.startsWith('Intl.')
}

function changed(source: Source, all: readonly Source[]): Problem[] {
  const { path, text } = source
  return [...text.matchAll(/^(export )?const (\w+)[^=\n]* = (?:new \w+|\[|\{|Object\.create\()/gm)].flatMap(
    ({ 1: exported, 2: name, index }) => {
      if (allowed[`${path} ${name}`] !== undefined) return []
      const users = exported === undefined ? [] : all.filter((other) => takes(other, path, name!))
      const culprit = [source, ...users].find((user) => changes(user.text, name!))
      if (culprit === undefined) return []
      return [
        { path, line: lineOf(text, index), text: `${name}, at the top of the file, is changed by ${culprit.path}` },
      ]
    },
  )
}

function takes({ imports }: Source, path: string, name: string): boolean {
  return imports.some(({ from, names }) => from === path && names.includes(name))
}

/**
 * Whether a line changes what the name stands for; a local of the same name counts too, and should be called otherwise.
 * A loop at the top of the file may fill it: that is over before anyone can look.
 */
function changes(text: string, name: string): boolean {
  const later = text.replaceAll(/^for \(.*$/gm, '')
  const part = String.raw`(?:\.\w+|\[[^\]\n]*\])`
  const pattern = String.raw`(?<![\w.#])${name}(?:${part}*\.(?:${changing})\(|${part}+ (?:[-+*/|&]|\?\?|\|\|)?= )`
  return new RegExp(`${pattern}|\\bdelete ${name}[.[]`).test(later)
}
