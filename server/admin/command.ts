/** Administrative acts, declared once and offered by the command line, the shell and ad-hoc commands (XEP-0050). */
import type { Fields, OptionsOf } from '../config/types.ts'
import type { Jid } from '../jid/jid.ts'
import type { Maybe } from '../util/maybe.ts'
import type { Element } from '../xml/element.ts'

/** Who may: everyone with an account, the admins of the host, or whoever runs the server. */
export type CommandRole = 'user' | 'admin' | 'operator'

export interface Command<F extends Fields = Fields> {
  /** As typed: `user add`. */
  readonly name: string
  /** What it does, in a few words: `adds an account`. */
  readonly about: string
  readonly role: CommandRole
  /** How it is offered to clients, where a standard says so. */
  readonly adhoc?: AdHocProfile
  /** In the order in which they are typed. */
  readonly args: F
  /**
   * `report` tells a line of what was done; `by` is the account that has given the command, if it was not the operator.
   * May give a data form of type result, which clients get instead of the lines. To refuse, throw a CommandError.
   */
  run(args: OptionsOf<F>, report: (line: string) => void, by?: Jid): Maybe<Element | void>
}

/** A command as an ad-hoc command with a form of its own (XEP-0050; XEP-0133 and XEP-0401 have such). */
export interface AdHocProfile {
  /** Where existing tools look for it; else made of the name. */
  readonly node?: string
  /** The FORM_TYPE of the form (XEP-0068). */
  readonly formType?: string
  /** What arguments are called in the form, if not as they are. */
  readonly fields?: Readonly<Record<string, string>>
  /** Fields that must say once more what an argument says. */
  readonly repeated?: Readonly<Record<string, string>>
  /** Arguments that are for the command line only. */
  readonly omits?: readonly string[]
  /** What the form shows filled in, by argument. */
  presets?(): Maybe<Readonly<Record<string, string>>>
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
