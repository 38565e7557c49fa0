/** A play: who takes part, and what they do in which order. The language is described in spec/README.md. */
import type { Placeholder } from './placeholders.ts'

/** A whole file, checked as far as that can be done without running it. */
export interface Script {
  readonly file: string
  readonly title: string
  /** In the order of the file; by name. */
  readonly characters: ReadonlyMap<string, Character>
  /** Accounts that are mentioned and must not exist; by name. */
  readonly absent: ReadonlyMap<string, Absent>
  readonly actions: readonly Action[]
  /** YAML for our own server, of all `## config:` tags; '' if the defaults will do. */
  readonly config: string
  /** The file as it is. */
  readonly text: string
}

export const transports = ['tcp', 'tls', 'starttls', 'websocket', 'bosh'] as const
export type TransportName = (typeof transports)[number]

/** `[Client]`: someone who can connect. Absent properties are up to whoever runs the play. */
export interface Character {
  readonly name: string
  readonly line: number
  /** Absent for a character without an account (SASL ANONYMOUS). */
  readonly node: string | undefined
  readonly domain: string
  readonly password: string | undefined
  readonly resource: string | undefined
  readonly host: string | undefined
  readonly port: number | undefined
  readonly transport: TransportName | undefined
  readonly mechanism: string | undefined
  /** A file with a certificate and its key (PEM), beside the play. */
  readonly certificate: string | undefined
}

/** `[Absent]`: someone who has no account. */
export interface Absent {
  readonly name: string
  readonly jid: string
}

/** The indented lines below an action. */
export interface Block {
  /** With placeholders, and with empty lines where comments were. */
  readonly text: string
  readonly line: number
}

/** Verbs that say it all. */
export const plainVerbs = [
  'connects',
  'disconnects',
  'opens',
  'authenticates',
  'drops',
  'is disconnected',
  'receives nothing',
] as const
/** Verbs that are followed by a block. */
export const blockVerbs = ['sends', 'sends raw', 'receives'] as const
/** Verbs that are followed by the name of an error condition. */
export const conditionVerbs = ['cannot connect', 'receives stream error'] as const

export type Action = { readonly line: number; readonly character: Character } & (
  | { readonly verb: (typeof plainVerbs)[number] }
  | { readonly verb: (typeof blockVerbs)[number]; readonly block: Block }
  | { readonly verb: (typeof conditionVerbs)[number]; readonly condition: string }
)

/** The file is not a play. The message begins with `file:line:`. */
export class ScriptError extends Error {
  override readonly name = 'ScriptError'
  readonly file: string
  readonly line: number

  constructor(file: string, line: number, problem: string, options?: ErrorOptions) {
    super(`${file}:${line}: ${problem}`, options)
    this.file = file
    this.line = line
  }
}

/** The bare JID of a character; for one without an account, the domain. */
export function bareJidOf({ node, domain }: Character): string {
  return node === undefined ? domain : `${node}@${domain}`
}

/** What a placeholder means that does not depend on the run; nothing if it does. Throws if it means nothing at all. */
export function staticValueOf(
  script: Pick<Script, 'characters' | 'absent'>,
  placeholder: Placeholder,
): string | undefined {
  if (placeholder.kind === 'capture') return undefined
  const character = script.characters.get(placeholder.character)
  const absent = script.absent.get(placeholder.character)
  if (character === undefined && (absent === undefined || placeholder.kind === 'full JID')) {
    throw new Error(
      `\${${placeholder.character}'s ${placeholder.kind === 'full JID' ? 'full ' : ''}JID}: no such character`,
    )
  }
  if (character === undefined) return absent?.jid
  return placeholder.kind === 'bare JID' ? bareJidOf(character) : undefined
}
