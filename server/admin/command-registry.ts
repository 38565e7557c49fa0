/** Every command of the server and its hosts, found by the words that somebody has typed. */
import type { HostSet } from '../host/host-set.ts'
import type { ServerProvisions } from '../host/provisions.ts'
import type { Registry } from '../host/registry.ts'
import { readArguments } from './arguments.ts'
import { type AnyCommand, CommandError } from './command.ts'

/** A command, and the host it works on; none if it is the server's. */
export interface Offered {
  readonly command: AnyCommand
  readonly domain: string | undefined
}

export class CommandRegistry {
  readonly #hosts: HostSet
  readonly #server: Registry<ServerProvisions>

  constructor(hosts: HostSet, server: Registry<ServerProvisions>) {
    this.#hosts = hosts
    this.#server = server
  }

  /** All there are; one that several hosts have is there once for each. */
  get all(): readonly Offered[] {
    const offered: Offered[] = [...this.#server.items('command')].map((command) => ({ command, domain: undefined }))
    for (const { host } of this.#hosts.all) {
      for (const command of host.provisions.items('command')) offered.push({ command, domain: host.domain })
    }
    return offered
  }

  /**
   * Does what the words say: the name of a command, then its arguments in
   * order or as `--name value`. Throws CommandError with what is wrong.
   */
  async run(words: readonly string[], report: (line: string) => void): Promise<void> {
    const { hosts, rest } = takeHosts(words)
    const { candidates, args } = this.#find(rest)
    const [first] = candidates
    if (first === undefined) throw new CommandError(`unknown command: ${rest.join(' ')}. Try: madrigal help`)
    const chosen = hosts === EVERYWHERE ? candidates : [this.#choose(candidates, hosts, args)]
    for (const { command, domain } of chosen) {
      const isOneOfMany = chosen.length > 1
      await command.run(readArguments(command, args), isOneOfMany ? (line) => report(`${domain}: ${line}`) : report)
    }
  }

  /** The commands with the longest name that the words begin with, and the words behind it. */
  #find(words: readonly string[]): { readonly candidates: readonly Offered[]; readonly args: readonly string[] } {
    const { all } = this
    for (let length = Math.min(words.length, LONGEST_NAME); length > 0; length--) {
      const name = words.slice(0, length).join(' ')
      const candidates = all.filter(({ command }) => command.name === name)
      if (candidates.length > 0) return { candidates, args: words.slice(length) }
    }
    return { candidates: [], args: words }
  }

  /** On which host: the one that is named, that of the JID among the arguments, or the only one. */
  #choose(candidates: readonly Offered[], named: string | undefined, args: readonly string[]): Offered {
    const [first, second] = candidates
    if (first !== undefined && second === undefined && (named === undefined || named === first.domain)) return first
    const mentioned = named ?? args.find((word) => word.includes('@'))?.split('@')[1]
    const chosen = candidates.find(({ domain }) => domain === mentioned)
    if (chosen !== undefined) return chosen
    const domains = candidates.map(({ domain }) => domain).join(', ')
    if (mentioned !== undefined) throw new CommandError(`no such host here: ${mentioned}. There are ${domains}`)
    throw new CommandError(`say on which host: --host with one of ${domains}, or --all-hosts`)
  }
}

/** What `--all-hosts` says. No domain is called so. */
const EVERYWHERE = '*'

/** Words in the longest name of a command. */
const LONGEST_NAME = 4

/** On which hosts: one that is named, all that have the command, or undefined if nothing is said about that. */
function takeHosts(words: readonly string[]): { readonly hosts: string | undefined; readonly rest: readonly string[] } {
  const everywhere = words.indexOf('--all-hosts')
  if (everywhere !== -1) return { hosts: EVERYWHERE, rest: words.toSpliced(everywhere, 1) }
  const at = words.indexOf('--host')
  const host = words[at + 1]
  if (at === -1) return { hosts: undefined, rest: words }
  if (host === undefined) throw new CommandError('--host needs a domain')
  return { hosts: host, rest: words.toSpliced(at, 2) }
}
