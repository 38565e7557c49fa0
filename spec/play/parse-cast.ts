/** Reads the header of a play: its characters and their properties. */
import { isIndented, type Line } from './lines.ts'
import { type Absent, type Character, ScriptError, transports } from './script.ts'

export interface Cast {
  readonly characters: ReadonlyMap<string, Character>
  readonly absent: ReadonlyMap<string, Absent>
}

/** Takes the lines that mean something. Throws `ScriptError`. */
export function parseCast(lines: readonly Line[], file: string): Cast {
  const characters = new Map<string, Character>()
  const absent = new Map<string, Absent>()
  for (const entry of entriesOf(lines, file)) {
    const { name, line } = entry
    if (characters.has(name) || absent.has(name)) throw new ScriptError(file, line, `a second ${name}`)
    if (entry.kind === 'Client') characters.set(name, characterOf(entry, file))
    else absent.set(name, { name, jid: required(entry, 'jid', file) })
  }
  return { characters, absent }
}

const kinds = ['Client', 'Absent'] as const

interface Entry {
  readonly kind: (typeof kinds)[number]
  readonly name: string
  readonly line: number
  readonly properties: Map<string, Property>
}

interface Property {
  readonly value: string
  readonly line: number
}

const properties: Readonly<Record<Entry['kind'], readonly string[]>> = {
  Client: ['jid', 'password', 'resource', 'connect_host', 'connect_port', 'transport', 'mechanism', 'certificate'],
  Absent: ['jid'],
}

function entriesOf(lines: readonly Line[], file: string): Entry[] {
  const entries: Entry[] = []
  for (const line of lines) {
    const entry = entries.at(-1)
    if (!isIndented(line)) entries.push(newEntry(line, file))
    else if (entry === undefined) throw new ScriptError(file, line.number, 'a property of nobody')
    else addProperty(entry, line, file)
  }
  return entries
}

function newEntry({ text, number }: Line, file: string): Entry {
  const [, word, name] = /^\[(\w+)\][ \t]+(.*\S)[ \t]*$/.exec(text) ?? []
  const kind = kinds.find((each) => each === word)
  if (kind === undefined || name === undefined)
    throw new ScriptError(file, number, `expected “[Client] Name”, not: ${text}`)
  return { kind, name, line: number, properties: new Map() }
}

function addProperty(entry: Entry, { text, number }: Line, file: string): void {
  const [, name = '', value] = /^[ \t]+(\w+)[ \t]*:[ \t]*(.*\S)[ \t]*$/.exec(text) ?? []
  if (value === undefined) throw new ScriptError(file, number, `expected “property: value”, not: ${text.trim()}`)
  if (!properties[entry.kind].includes(name)) throw new ScriptError(file, number, `unknown property ${name}`)
  if (entry.properties.has(name)) throw new ScriptError(file, number, `a second ${name}`)
  entry.properties.set(name, { value, line: number })
}

function characterOf(entry: Entry, file: string): Character {
  const get = (name: string): string | undefined => entry.properties.get(name)?.value
  const fail = (name: string, problem: string): never => {
    throw new ScriptError(file, entry.properties.get(name)?.line ?? entry.line, problem)
  }
  const [, node, domain, resource] = /^(?:([^@/]+)@)?([^@/]+)(?:\/(.+))?$/.exec(required(entry, 'jid', file)) ?? []
  if (domain === undefined) return fail('jid', 'not a JID')
  const transport = transports.find((each) => each === get('transport'))
  if (transport === undefined && get('transport') !== undefined) fail('transport', `expected ${transports.join(', ')}`)
  const port = get('connect_port')
  if (port !== undefined && !/^[0-9]{1,5}$/.test(port)) fail('connect_port', 'expected a port number')
  return {
    name: entry.name,
    line: entry.line,
    node,
    domain,
    password: get('password'),
    resource: get('resource') ?? resource,
    host: get('connect_host'),
    port: port === undefined ? undefined : Number(port),
    transport,
    mechanism: get('mechanism'),
    certificate: get('certificate'),
  }
}

function required(entry: Entry, name: string, file: string): string {
  const property = entry.properties.get(name)
  if (property === undefined) throw new ScriptError(file, entry.line, `${entry.name} has no ${name}`)
  return property.value
}
