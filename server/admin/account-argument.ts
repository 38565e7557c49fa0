/** Accounts that somebody names who gives a command. */
import type { Jid } from '../jid/jid.ts'
import { CommandError } from './command.ts'

/** The node of an account of that domain, whether it exists or not. Throws CommandError if the address is elsewhere. */
export function nodeAt(domain: string, jid: Jid): string {
  if (jid.node === undefined || jid.domain !== domain) throw new CommandError(`no account of ${domain}`)
  return jid.node
}
