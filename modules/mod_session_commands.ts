/** Commands for the clients that are connected just now. */
import { nodeAt } from '../server/admin/account-argument.ts'
import { administration } from '../server/admin/service-administration.ts'
import { CommandError } from '../server/admin/command.ts'
import { t } from '../server/config/types.ts'
import { defineModule } from '../server/host/module.ts'
import { formatDateTime } from '../server/protocol/date-time.ts'
import type { Account } from '../server/session/account.ts'
import type { ClientSession } from '../server/session/client-session.ts'
import { StreamError } from '../server/stream/stream-error.ts'

/** Lines in one answer, unless more are asked for. */
const MOST_TOLD = 1000

export default defineModule({
  name: 'session_commands',
  about: 'lets admins see and end sessions',
  on: ['local'],

  setup(host) {
    const begun = host.lastingSlot('begun', () => ({ at: host.clock.now() }))

    host.on('session/bound', ({ session }) => void begun(session))

    host.command({
      name: 'session list',
      about: 'lists who is connected, from where and how',
      role: 'admin',
      args: {
        jid: t.jid().optional().describe('Only the sessions of this account.'),
        max_items: t.integer({ min: 1 }).default(MOST_TOLD).describe('How many are listed at most.'),
      },
      run({ jid, max_items: most }, report) {
        if (jid !== undefined) nodeAt(host.domain, jid)
        const accounts = jid === undefined ? [...host.accounts] : [host.account(jid.bare)]
        const sessions = accounts.flatMap((account) => [...(account?.sessions ?? [])])
        for (const session of sessions.slice(0, most)) report(line(session))
        if (sessions.length > most) report(`and ${sessions.length - most} more`)
      },
    })

    host.command({
      name: 'session kick',
      about: 'ends the session of a client, or all of an account; it may log in again',
      role: 'admin',
      adhoc: administration('end-user-session', { fields: { jid: 'accountjids' } }),
      args: { jid: t.client(), reason: t.string().default('An admin has ended this session') },
      run({ jid, reason }, report) {
        nodeAt(host.domain, jid)
        const sessions = sessionsOf(host.account(jid.bare), jid.resource)
        if (sessions.length === 0) throw new CommandError(`${jid.full} is not connected`)
        for (const session of sessions) {
          host.closeSession(session, new StreamError('policy-violation', reason))
          report(`${session.jid.full} has to go`)
        }
      },
    })

    /** Everything on one line: who, since when, how logged in, from where, over what. */
    function line(session: ClientSession): string {
      const since = formatDateTime(new Date(begun(session).at))
      const mechanism = host.optionalService('saslauth')?.mechanismOf(session) ?? 'unknown login'
      return [session.jid.full, `since ${since}`, mechanism, wireOf(session)].join(', ')
    }
  },
})

function sessionsOf(account: Account | undefined, resource: string | undefined): readonly ClientSession[] {
  return [...(account?.sessions ?? [])].filter((session) => resource === undefined || session.resource === resource)
}

function wireOf({ stream }: ClientSession): string {
  if (stream === undefined) return 'cut off, may come back'
  const { address, kind, secure, encrypted } = stream.transport
  return `${address || 'local socket'}, ${kind}, ${secure?.protocol ?? (encrypted ? 'encrypted by a proxy' : 'not encrypted')}`
}
