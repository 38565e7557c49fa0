/** Words that somebody has typed, as the arguments of a command. */
import { factsOf, fallbackOf, type Fields, type Option, type OptionsOf, readValue } from '../config/option.ts'
import { Secret } from '../config/secret.ts'
import { type AnyCommand, CommandError } from './command.ts'

/** A secret is missing that must not be typed where others see it: whoever has a terminal asks for it. */
export class SecretNeeded extends CommandError {
  readonly argument: string

  constructor(argument: string) {
    super(`${argument} is missing`)
    this.argument = argument
  }
}

/**
 * Words in order, or as `--name value`; a list takes the words that are left, or several `--name value`. Throws
 * CommandError with what is wrong, SecretNeeded if only that is missing.
 */
export function readArguments(command: AnyCommand, words: readonly string[]): OptionsOf<Fields> {
  const typed = sort(command, words)
  return Object.fromEntries(
    Object.entries(command.args).map(([name, option]) => [name, valueOf(command, name, option, typed.get(name) ?? [])]),
  )
}

/** The command as one types it: `user add <jid> [role]`. */
export function usageOf({ name, args }: AnyCommand): string {
  const parts = Object.entries(args).map(([arg, option]) => {
    const shown = isList(option) ? `${arg}…` : arg
    return fallbackOf(option) === undefined ? `<${shown}>` : `[${shown}]`
  })
  return [name, ...parts].join(' ')
}

/** The words that are meant for each argument. */
function sort(command: AnyCommand, words: readonly string[]): ReadonlyMap<string, readonly string[]> {
  const names = Object.keys(command.args)
  const typed = new Map<string, string[]>()
  const left: string[] = []
  for (let i = 0; i < words.length; i++) {
    const word = words[i] ?? ''
    if (!word.startsWith('--')) {
      left.push(word)
      continue
    }
    const name = word.slice(2).replaceAll('-', '_')
    const value = words[++i]
    if (!names.includes(name)) throw new CommandError(`unknown argument ${word}. Usage: ${usageOf(command)}`)
    if (value === undefined) throw new CommandError(`${word} needs a value`)
    typed.set(name, [...(typed.get(name) ?? []), value])
  }
  for (const name of names.filter((free) => !typed.has(free))) {
    const option = command.args[name]
    const taken = left.splice(0, option !== undefined && isList(option) ? left.length : 1)
    if (taken.length > 0) typed.set(name, taken)
  }
  if (left.length > 0) throw new CommandError(`too many arguments. Usage: ${usageOf(command)}`)
  return typed
}

function valueOf(command: AnyCommand, name: string, option: Option<unknown>, words: readonly string[]): unknown {
  const [word, another] = words
  if (word === undefined) {
    const fallback = fallbackOf(option)
    if (fallback !== undefined) return fallback.value
    if (isSecret(option)) throw new SecretNeeded(name)
    throw new CommandError(`${name} is missing. Usage: ${usageOf(command)}`)
  }
  const { items } = factsOf(option)
  if (items !== undefined) return words.map((each) => readWord(name, items, each))
  if (another !== undefined) throw new CommandError(`${name} is given twice`)
  return readWord(name, option, word)
}

function readWord(name: string, option: Option<unknown>, word: string): unknown {
  if (isSecret(option)) return new Secret(word)
  for (const meaning of meanings(word)) {
    const read = readValue(option, meaning)
    if (read !== undefined) return read.value
  }
  throw new CommandError(`${name}: expected ${factsOf(option).expects}, not ${JSON.stringify(word)}`)
}

/** A word may be meant as text, a number or a yes. */
function meanings(word: string): readonly unknown[] {
  const number = /^-?\d+$/.test(word) ? [Number(word)] : []
  const truth = word === 'true' || word === 'false' ? [word === 'true'] : []
  return [word, ...number, ...truth]
}

function isSecret(option: Option<unknown>): boolean {
  return factsOf(option).secret === true
}

function isList(option: Option<unknown>): boolean {
  return factsOf(option).items !== undefined
}
