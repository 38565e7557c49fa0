/** What admins and modules note of accounts, in a word and a remark: why one is watched, who asked for it, what it may. */
import { nodeAt } from '../server/admin/account-argument.ts'
import { CommandError } from '../server/admin/command.ts'
import { t } from '../server/config/types.ts'
import type { Notice } from '../server/host/hooks.ts'
import { defineModule } from '../server/host/module.ts'
import { formatDateTime } from '../server/protocol/date-time.ts'
import { map } from '../storage/store.ts'

export interface Flag {
  /** Since when, in milliseconds since 1970. */
  readonly since: number
  /** Who has set it: the address of an admin, the name of a module, or `operator`. */
  readonly by: string
  readonly remark?: string | undefined
}

export interface AccountFlags {
  /** By name. */
  of(node: string): Promise<ReadonlyMap<string, Flag>>
  has(node: string, name: string): Promise<boolean>
  /** Sets it, or changes its remark. */
  set(node: string, name: string, flag: Omit<Flag, 'since'>): Promise<void>
  clear(node: string, name: string): Promise<void>
}

declare module '../server/host/module.ts' {
  interface Services {
    account_flags: AccountFlags
  }
}

declare module '../server/host/events.ts' {
  interface HostHooks {
    'account/flagged': Notice<{ readonly node: string; readonly name: string }>
    'account/unflagged': Notice<{ readonly node: string; readonly name: string }>
  }
}

const NAME = /^[a-z][a-z0-9_-]{0,31}$/
const MOST_FLAGS = 50
const REMARK_CHARS = 500

export default defineModule({
  name: 'account_flags',
  about: 'notes remarks of admins on accounts',
  on: ['local'],
  depends: ['accounts'],
  stores: { flags: map<Flag>('account_flags') },

  setup(host, { stores }): AccountFlags {
    const accounts = host.service('accounts')
    const flags: AccountFlags = {
      of: (node) => stores.flags.all(node),
      has: async (node, name) => (await stores.flags.get(node, name)) !== undefined,

      async set(node, name, flag) {
        const all = await stores.flags.all(node)
        const since = all.get(name)?.since ?? host.clock.now()
        await stores.flags.set(node, name, { ...flag, since })
        if (!all.has(name)) host.announce('account/flagged', { node, name })
      },

      async clear(node, name) {
        if ((await stores.flags.get(node, name)) === undefined) return
        await stores.flags.set(node, name, undefined)
        host.announce('account/unflagged', { node, name })
      },
    }

    host.command({
      name: 'flag set',
      about: 'notes something of an account',
      role: 'admin',
      args: { jid: t.jid(), flag: t.string(), remark: t.string().optional() },
      async run({ jid, flag, remark }, report, by) {
        const node = nodeAt(host.domain, jid)
        if (!NAME.test(flag)) throw new CommandError('a flag is one word of small letters, digits, - and _')
        if (flag === 'disabled') throw new CommandError('an account is disabled with: user disable')
        if (remark !== undefined && remark.length > REMARK_CHARS) throw new CommandError('that remark is too long')
        if (!(await accounts.exists(node))) throw new CommandError(`there is no account ${jid.bare}`)
        if ((await flags.of(node)).size >= MOST_FLAGS) throw new CommandError('that account has too many flags')
        await flags.set(node, flag, { by: by?.bare ?? 'operator', remark })
        report(`${jid.bare} is flagged as ${flag}`)
      },
    })

    host.command({
      name: 'flag clear',
      about: 'takes a flag from an account',
      role: 'admin',
      args: { jid: t.jid(), flag: t.string() },
      async run({ jid, flag }, report) {
        const node = nodeAt(host.domain, jid)
        if (!(await flags.has(node, flag))) throw new CommandError(`${jid.bare} is not flagged as ${flag}`)
        await flags.clear(node, flag)
        report(`${jid.bare} is not flagged as ${flag} any more`)
      },
    })

    host.command({
      name: 'flag list',
      about: 'lists the flags of an account',
      role: 'admin',
      args: { jid: t.jid() },
      async run({ jid }, report) {
        for (const [name, flag] of await flags.of(nodeAt(host.domain, jid))) report(line(name, flag))
      },
    })

    host.command({
      name: 'flag find',
      about: 'lists the accounts with a flag, or with any',
      role: 'admin',
      args: { flag: t.string().optional() },
      async run({ flag }, report) {
        for await (const node of stores.flags.owners()) {
          for (const [name, its] of await flags.of(node)) {
            if (flag === undefined || flag === name) report(`${node}@${host.domain} ${line(name, its)}`)
          }
        }
      },
    })

    return flags
  },
})

function line(name: string, { since, by, remark }: Flag): string {
  return `${name}, by ${by}, ${formatDateTime(new Date(since))}${remark === undefined ? '' : `: ${remark}`}`
}
