/** The tables of options in `docs/options.md`, made from the declarations. */
import type { Declarations } from './config.ts'
import { describeFields, type OptionText } from './describe.ts'
import type { Fields } from './option.ts'
import { hostFields, localHostFields, serverFields } from './server-options.ts'

/** Markdown: a table for the server, one for hosts, and one for each module that has options. */
export function optionsManual({ modules, components }: Declarations): string {
  const ofModules = modules
    .filter(({ config = {} }) => Object.keys(config).length > 0)
    .map(({ name, about, config = {} }) => {
      const where = components.includes(name) ? `At a host with \`is: ${name}\`. ` : ''
      return `### ${name}\n\n${where}This module ${about}.\n\n${optionsTable(config)}`
    })
  return [
    `## Options of the server\n\n${optionsTable(serverFields)}`,
    `## Options of every host\n\n${optionsTable(hostFields)}`,
    `## Options of a host with accounts\n\n${optionsTable(ownOf(localHostFields, hostFields))}`,
    ...(ofModules.length > 0 ? ['## Options of modules', ...ofModules] : []),
  ].join('\n\n')
}

/** Markdown; the options of sections by their paths. */
export function optionsTable(fields: Fields): string {
  const rows = describeFields(fields).flatMap((option) => rowsOf(option, ''))
  return ['| option | default | what it is for |', '|---|---|---|', ...rows].join('\n')
}

function rowsOf({ name, about, expects, fallback, isRequired, fields }: OptionText, prefix: string): readonly string[] {
  const path = `${prefix}${name}`
  if (fields.length > 0)
    return [row(`**\`${path}\`**`, '', about), ...fields.flatMap((field) => rowsOf(field, `${path}.`))]
  const otherwise = fallback === undefined ? (isRequired ? 'must be set' : 'not set') : `\`${fallback}\``
  return [row(`\`${path}\``, otherwise, `${about} *${sentence(expects)}*`)]
}

function row(...cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}

function ownOf(fields: Fields, others: Fields): Fields {
  return Object.fromEntries(Object.entries(fields).filter(([name]) => !Object.hasOwn(others, name)))
}

function sentence(text: string): string {
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}.`
}
