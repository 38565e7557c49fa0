/** The rules of our own that `npm run check` holds: they see what breaks them, and nothing else. */

import t from 'tap'
import { importProblems } from '../../scripts/check/imports.ts'
import { sourceOf } from '../../scripts/check/sources.ts'
import { stateProblems } from '../../scripts/check/state.ts'

t.test('reads what a file imports', async (t) => {
  const source = sourceOf(
    'modules/mod_a/index.ts',
    [
      `import { connect, type Socket } from 'node:net'`,
      `import type { Jid } from '../../server/jid/jid.ts'`,
      `import {`,
      `  type A,`,
      `  type B,`,
      `} from './parts.ts'`,
      `import './side.ts'`,
      `export { x as y } from './x.ts'`,
      `type Later = import('../mod_b.ts').B`,
      `const load = () => import('./late.ts')`,
    ].join('\n'),
  )
  t.same(
    source.imports.map(({ from, kind, line }) => [line, kind, from]).toSorted(([a], [b]) => Number(a) - Number(b)),
    [
      [1, 'value', 'node:net'],
      [2, 'type', 'server/jid/jid.ts'],
      [3, 'type', 'modules/mod_a/parts.ts'],
      [7, 'value', 'modules/mod_a/side.ts'],
      [8, 'value', 'modules/mod_a/x.ts'],
      [9, 'type', 'modules/mod_b.ts'],
      [10, 'later', 'modules/mod_a/late.ts'],
    ],
  )
})

t.test('imports point downward, and never from module to module', async (t) => {
  const cases: readonly [path: string, line: string, objection: RegExp | undefined][] = [
    ['server/router.ts', `import { Jid } from './jid/jid.ts'`, undefined],
    ['server/router.ts', `import { hook } from './host/hooks.ts'`, /above/],
    ['server/router.ts', `import type { Hook } from './host/hooks.ts'`, /above/],
    ['server/host/loader.ts', `import { hook } from './hooks.ts'`, undefined],
    ['server/util/maybe.ts', `import { Log } from '../log/log.ts'`, /above/],
    ['server/xml/parse.ts', `import { log } from '../log/log.ts'`, /alone/],
    ['server/xml/parse.ts', `import { own } from '../util/own.ts'`, undefined],
    ['modules/mod_a.ts', `import { b } from './mod_b.ts'`, /services and hooks/],
    ['modules/mod_a/x.ts', `const b = await import('../mod_b/index.ts')`, /services and hooks/],
    ['modules/mod_a.ts', `import type { B } from './mod_b.ts'`, undefined],
    ['modules/mod_a/index.ts', `import { part } from './part.ts'`, undefined],
    ['modules/catalogue.ts', `const a = () => import('./mod_a.ts')`, undefined],
    ['server/server.ts', `import { world } from '../spec/world.ts'`, /above/],
    ['server/server.ts', `import { parse } from 'yaml'`, undefined],
    ['server/server.ts', `import { Client } from '@nats/x/y'`, undefined],
    ['server/server.ts', `import fc from 'fast-check'`, /not installed/],
    ['spec/a.spec.ts', `import fc from 'fast-check'`, undefined],
    ['tools/a.ts', `import './b.ts'`, /no layer/],
  ]
  for (const [path, line, objection] of cases) {
    const [problem] = importProblems([sourceOf(path, line)], new Set(['yaml', '@nats/x']))
    if (objection === undefined) t.equal(problem, undefined, `${path}: ${line}`)
    else t.match(problem?.text, objection, `${path}: ${line}`)
  }
})

t.test('finds what may change at the top of a file', async (t) => {
  const cases: readonly [text: string, found: number][] = [
    ['let count = 0', 1],
    ['export let count = 0', 1],
    ['function f() {\n  let count = 0\n}', 0],
    ['const names = new Set([1])\nconst has = names.has(1)', 0],
    ['const names = new Set([1])\nfunction f() {\n  names.add(2)\n}', 1],
    ['const names: Set<number> = new Set()\nfunction f() {\n  names.add(2)\n}', 1],
    ['const list = [\n  1,\n]\nfunction f() {\n  return list.toSorted()\n}', 0],
    ['const list = [1]\nfunction f() {\n  return list.sort()\n}', 1],
    ['const table = { a: 1 }\nfunction f() {\n  table.a = 2\n}', 1],
    ['const table = { a: 1 }\nfunction f() {\n  if (table.a === 2) return\n}', 0],
    ['const table = { a: [] }\nfunction f() {\n  table.a.push(2)\n}', 1],
    ['const codes = new Uint8Array(128)\nfor (const code of [1]) codes[code] = 1', 0],
    ['const table = Object.create(null)\nfunction f() {\n  delete table[1]\n}', 1],
    ['const bus = new EventEmitter()', 1],
    ['const pattern = new RegExp("x")', 0],
    ['const names = new Set([1])\nfunction f(my: { names: Set<number> }) {\n  my.names.add(2)\n}', 0],
  ]
  for (const [text, found] of cases) {
    t.equal(stateProblems([sourceOf('server/a.ts', text)]).length, found, JSON.stringify(text))
  }
})

t.test('also when another file changes it', async (t) => {
  const one = sourceOf('server/a.ts', 'export const shared = new Map<string, number>()')
  const other = sourceOf('server/b.ts', `import { shared } from './a.ts'\nfunction f() {\n  shared.set('x', 1)\n}`)
  t.match(stateProblems([one, other]), [{ path: 'server/a.ts', text: /changed by server\/b\.ts/ }])
})

t.test('specs and scripts may keep state', async (t) => {
  t.same(stateProblems([sourceOf('spec/a.ts', 'let count = 0'), sourceOf('scripts/a.ts', 'let count = 0')]), [])
})
