/** When accounts were last used: for admins who look for those that nobody uses any more. */
import { nodeAt } from '../server/admin/account-argument.ts'
import { CommandError } from '../server/admin/command.ts'
import { administration, administrationResult } from '../server/admin/service-administration.ts'
import { t } from '../server/config/types.ts'
import { defineModule } from '../server/host/module.ts'
import type { Jid } from '../server/jid/jid.ts'
import { formatDateTime } from '../server/protocol/date-time.ts'
import { keyval } from '../storage/store.ts'

/** In milliseconds since 1970. */
interface Activity {
  /** When somebody logged in last. */
  readonly login?: number | undefined
  /** When a client was last there: known to the day while it stays. */
  readonly seen: number
}

/** When accounts were used last. */
export interface AccountActivity {
  /** Milliseconds since 1970; undefined parts were never. */
  of(node: string): Promise<{ readonly login: number | undefined; readonly seen: number | undefined }>
}

declare module '../server/host/module.ts' {
  interface Services {
    account_activity: AccountActivity
  }
}

export default defineModule({
  name: 'account_activity',
  about: 'notes when accounts were last used',
  on: ['local'],
  depends: ['accounts', 'saslauth'],
  stores: { activity: keyval<Activity>('account_activity') },

  setup(host, { stores: { activity } }): AccountActivity {
    const accounts = host.service('accounts')
    const service = { of }
    if (accounts.anonymous) return service

    host.on('login/accepted', ({ node }) => {
      const now = host.clock.now()
      host.spawn('note a login', () => activity.set(node, { login: now, seen: now }))
    })
    host.on('session/closed', ({ session: { account } }) => {
      if (account.size === 0) host.spawn('note that an account was used', () => see(account.jid))
    })
    // Who is always there does not look as if he had gone.
    host.every('day', 'note who is there', async (signal) => {
      for (const { jid, size } of host.accounts) {
        if (signal.aborted) return
        if (size > 0) await see(jid)
      }
    })

    host.command({
      name: 'user activity',
      about: 'tells when an account was made and last used',
      role: 'admin',
      adhoc: administration('get-user-lastlogin', { fields: { jid: 'accountjids' } }),
      args: { jid: t.jid() },
      async run({ jid }, report) {
        const node = nodeAt(host.domain, jid)
        const account = await accounts.get(node)
        if (account === undefined) throw new CommandError(`there is no account ${jid.bare}`)
        const { login, seen } = await of(node)
        report(`made ${written(account.createdAt)}`)
        report(`last login ${written(login)}`)
        report(isThere(node) ? 'connected' : `last seen ${written(seen)}`)
        return administrationResult(LAST_LOGIN_FIELDS, { accountjids: [jid], lastlogin: written(login) })
      },
    })

    host.command({
      name: 'user inactive',
      about: 'lists the accounts that nobody has used for so long',
      role: 'admin',
      args: { period: t.duration({ min: 1 }).describe('For how long, such as "6 months".') },
      async run({ period }, report) {
        const since = host.clock.now() - period * 1000
        for await (const node of accounts.list()) {
          if (isThere(node)) continue
          const { seen } = await of(node)
          const last = seen ?? (await accounts.get(node))?.createdAt ?? 0
          if (last <= since) report(`${node}@${host.domain} ${seen === undefined ? 'never seen' : written(seen)}`)
        }
      },
    })

    return service

    async function of(node: string) {
      const noted = await activity.get(node)
      return { login: noted?.login, seen: isThere(node) ? host.clock.now() : noted?.seen }
    }

    async function see({ node = '' }: Jid): Promise<void> {
      const now = host.clock.now()
      const [noted, exists] = await Promise.all([activity.get(node), accounts.exists(node)])
      // Nothing is kept of an account whose sessions end because it was removed.
      if (exists) await activity.set(node, { ...noted, seen: now })
    }

    function isThere(node: string): boolean {
      return (host.account(`${node}@${host.domain}`)?.size ?? 0) > 0
    }
  },
})

/** XEP-0133 §4.9. */
const LAST_LOGIN_FIELDS = [
  { type: 'jid-multi', var: 'accountjids' },
  { type: 'text-single', var: 'lastlogin' },
] as const

function written(at: number | undefined): string {
  return at === undefined ? 'never' : formatDateTime(new Date(at))
}
