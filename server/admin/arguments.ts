/** Words that somebody has typed, as the arguments of a command. */
import { factsOf, type Fields, type Option, type OptionsOf } from '../config/option.ts'
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

/** Words in order, or as `--name value`. Throws CommandError with what is wrong, SecretNeeded if only that is missing. */
export function readArguments(command: AnyCommand, words: readonly string[]): OptionsOf<Fields> {
  const typed = sort(command, words)
  return Object.fromEntries(
    Object.entries(command.args).map(([name, option]) => [name, read(command, name, option, typed.get(name))]),
  )
}

/** The command as one types it: `user add <jid> [role]`. */
export function usageOf({ name, args }: AnyCommand): string {
  const parts = Object.entries(args).map(([arg, option]) => (isRequired(option) ? `<${arg}>` : `[${arg}]`))
  return [name, ...parts].join(' ')
}

function sort(command: AnyCommand, words: readonly string[]): ReadonlyMap<string, string> {
  const names = Object.keys(command.args)
  const typed = new Map<string, string>()
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
    typed.set(name, value)
  }
  const free = names.filter((name) => !typed.has(name))
  if (left.length > free.length) throw new CommandError(`too many arguments. Usage: ${usageOf(command)}`)
  for (const [i, value] of left.entries()) typed.set(free[i] ?? '', value)
  return typed
}

function read(command: AnyCommand, name: string, option: Option<unknown>, word: string | undefined): unknown {
  if (word === undefined) {
    const absent = option.safeParse(undefined)
    if (absent.success) return absent.data
    if (isSecret(option)) throw new SecretNeeded(name)
    throw new CommandError(`${name} is missing. Usage: ${usageOf(command)}`)
  }
  if (isSecret(option)) return new Secret(word)
  for (const value of meanings(word)) {
    const result = option.safeParse(value)
    if (result.success) return result.data
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

function isRequired(option: Option<unknown>): boolean {
  return !option.safeParse(undefined).success
}
