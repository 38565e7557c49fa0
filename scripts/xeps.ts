/** Writes `docs/xeps.md`: what is implemented, as the modules declare it. */
import { allModules } from '../modules/catalogue.ts'
import type { AnyModule } from '../server/host/module.ts'
import { generate } from './docs/generated.ts'
import { xepTitles } from './docs/xep-titles.ts'

interface Row {
  readonly number: number
  readonly version: string
  readonly modules: readonly string[]
}

const modules = await allModules()
const rfcs = new Map<number, string[]>()
for (const { name, rfcs: numbers = [] } of modules) {
  for (const number of numbers) rfcs.set(number, [...(rfcs.get(number) ?? []), name])
}

generate(
  'docs/xeps.md',
  `# What is implemented

Written by \`scripts/xeps.ts\` from what the modules declare; do not edit.

| XEP | Title | Version | Modules |
|---|---|---|---|
${rowsOf(modules).map(lineOf).join('\n')}

What clients say to each other passes as it is, and is archived if it will be of interest later: chat states (XEP-0085), headers
(XEP-0131), nicknames (XEP-0172), receipts (XEP-0184), \`/me\` (XEP-0245), corrections (XEP-0308), markers (XEP-0333), reactions
(XEP-0444), replies (XEP-0461). The play \`message_payloads.scs\` shows it.

| RFC | Modules |
|---|---|
${[...rfcs]
  .toSorted(([a], [b]) => a - b)
  .map(([number, names]) => `| ${number} | ${names.join(', ')} |`)
  .join('\n')}
`,
)

function rowsOf(declared: readonly AnyModule[]): readonly Row[] {
  const rows = new Map<number, Row>()
  for (const { name, xeps = {} } of declared) {
    for (const [key, version] of Object.entries(xeps)) {
      const number = Number(key)
      const known = rows.get(number)
      rows.set(number, { number, version: known?.version ?? version, modules: [...(known?.modules ?? []), name] })
    }
  }
  return [...rows.values()].toSorted((a, b) => a.number - b.number)
}

function lineOf({ number, version, modules: names }: Row): string {
  const title = xepTitles[number]
  if (title === undefined) throw new Error(`XEP-${number} has no title in scripts/docs/xep-titles.ts`)
  return `| ${String(number).padStart(4, '0')} | ${title} | ${version} | ${names.join(', ')} |`
}
