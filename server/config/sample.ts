/** The config file to begin with: every option with its default and what it is for, made from the declarations. */
import type { Declarations } from './config.ts'
import { describeFields, type OptionText } from './describe.ts'
import type { ModuleDeclaration } from './modules-section.ts'
import type { Fields } from './option.ts'
import { hostFields, localHostFields, serverFields } from './server-options.ts'

/** Columns of a line. */
const WIDTH = 96

const ABOUT_FILE =
  'The configuration of Madrigal. Where # is followed by no space, there is an option with its default: ' +
  'remove the # to change it.'

const ABOUT_MODULES =
  'Modules run on all hosts for which they are made. Name others here, set options, or write false to turn one off; ' +
  'or do so at a single host.'

/** Names of component hosts that are better known by another name than that of their kind. */
const subdomains: ReadonlyMap<string, string> = new Map([
  ['muc', 'conference'],
  ['component', 'gateway'],
])

export interface SampleOptions {
  /** Of the host with accounts; each kind of component gets a domain under it. */
  readonly domain: string
  /** Where editors find the JSON Schema, if they shall. */
  readonly schema?: string
}

/** YAML. As it is, it means the same as having no config file but for the domains. */
export function sampleConfig({ modules, components }: Declarations, { domain, schema }: SampleOptions): string {
  const ofServer = modules.filter(({ name }) => !components.includes(name))
  const lines = [
    ...(schema === undefined ? [] : [`# yaml-language-server: $schema=${schema}`]),
    ...prose(ABOUT_FILE, ''),
    '',
    'hosts:',
    `  ${domain}:`,
    ...optionLines(localHostFields, '    '),
    ...components.flatMap((kind) => componentLines(kind, domain, modules)),
    '',
    ...serverLines(),
    ...prose(ABOUT_MODULES, ''),
    'modules:',
    ...ofServer.flatMap(moduleLines),
  ]
  return `${lines.join('\n').trimEnd()}\n`
}

function componentLines(kind: string, domain: string, modules: readonly ModuleDeclaration[]): readonly string[] {
  const component = modules.find(({ name }) => name === kind)
  const fields = { ...hostFields, ...component?.config }
  // One that cannot be had without further words is there only when somebody asks for it.
  const mark = describeFields(fields).some(({ isRequired }) => isRequired) ? '#' : ''
  return [
    '',
    ...(component === undefined ? [] : prose(sentence(component.about), '  ')),
    `  ${mark}${subdomains.get(kind) ?? kind}.${domain}:`,
    `    ${mark}is: ${kind}`,
    ...optionLines(fields, '    ', mark),
  ]
}

function serverLines(): readonly string[] {
  return Object.entries(serverFields).flatMap(([name, option]) => [...optionLines({ [name]: option }, ''), ''])
}

function moduleLines({ name, about, config = {}, on = [], byDefault = false }: ModuleDeclaration): readonly string[] {
  const runs = byDefault || on.length > 0
  const value = Object.keys(config).length > 0 ? '' : ` ${runs}`
  return [
    ...prose(`${sentence(about)}${runs ? '' : ' Runs only if named.'}`, '  '),
    `  #${name}:${value}`,
    // Below a commented name, nothing may stand uncommented.
    ...optionLines(config, '    ', '#'),
    '',
  ]
}

/** `mark` is what stands before the names of sections, which have no value to be commented out for. */
function optionLines(fields: Fields, indent: string, mark: '' | '#' = ''): readonly string[] {
  return describeFields(fields).flatMap((option) => linesOf(option, indent, mark))
}

function linesOf(option: OptionText, indent: string, mark: '' | '#'): readonly string[] {
  const { name, about, expects, fallback, isRequired, fields } = option
  if (fields.length > 0) {
    const inside = fields.flatMap((field) => linesOf(field, `${indent}  `, mark))
    return [...prose(about, indent), `${indent}${mark}${name}:`, ...inside]
  }
  if (fallback !== undefined) return [...prose(about, indent), `${indent}#${name}: ${fallback}`]
  return [...prose(isRequired ? `${about} Must be set.` : about, indent), `${indent}# ${name}: (${expects})`]
}

/** Lines of comment, none wider than the page. */
function prose(text: string, indent: string): readonly string[] {
  const lines: string[] = []
  let line = `${indent}#`
  for (const word of text.split(' ').filter((each) => each !== '')) {
    if (line.length + 1 + word.length > WIDTH && !line.endsWith('#')) {
      lines.push(line)
      line = `${indent}#`
    }
    line += ` ${word}`
  }
  return line.endsWith('#') ? lines : [...lines, line]
}

function sentence(text: string): string {
  const end = text.endsWith('.') ? '' : '.'
  return text === '' ? '' : text.slice(0, 1).toUpperCase() + text.slice(1) + end
}
