/** Administrative acts, declared once and offered by the command line, the shell and ad-hoc commands (XEP-0050). */
import type { Fields, OptionsOf } from '../config/types.ts'
import type { Maybe } from '../util/maybe.ts'

/** Who may: everyone with an account, the admins of the host, or whoever runs the server. */
export type CommandRole = 'user' | 'admin' | 'operator'

export interface Command<F extends Fields = Fields> {
  /** As typed: `user add`. */
  readonly name: string
  /** What it does, in a few words: `adds an account`. */
  readonly about: string
  readonly role: CommandRole
  /** Its node as an ad-hoc command, where existing tools look for one; else made of the name. */
  readonly node?: string
  /** In the order in which they are typed. */
  readonly args: F
  /** `report` tells a line of what was done. To refuse, throw a CommandError. */
  run(args: OptionsOf<F>, report: (line: string) => void): Maybe<void>
}

/** A command whose arguments are checked by whoever offers it. */
export type AnyCommand = Command<Fields>

/** Declares a command: ties its arguments to what `run` is given. */
export function command<const F extends Fields>(declared: Command<F>): AnyCommand {
  // Whoever offers commands checks what was typed against `args` before `run` sees it.
  return declared
}

/** True if the message of an error is made for whoever gave the command. */
export function isForPeople(error: Error): boolean {
  return FOR_PEOPLE.has(error.name)
}

/** By name: they come from layers that know of no commands. */
const FOR_PEOPLE: ReadonlySet<string> = new Set([
  'CommandError',
  'AccountError',
  'MalformedPassword',
  'JidError',
  'ListenError',
])

/** Refuses a command, in words for the person who gave it. */
export class CommandError extends Error {
  override readonly name = 'CommandError'
}
