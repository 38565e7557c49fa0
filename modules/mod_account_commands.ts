/** Commands for the accounts of a host. */
import { t } from '../server/config/types.ts'
import type { Jid } from '../server/jid/jid.ts'
import { CommandError } from '../server/admin/command.ts'
import { defineModule } from '../server/host/module.ts'

export default defineModule({
  name: 'account_commands',
  about: 'lets admins manage accounts',
  on: ['local'],
  depends: ['accounts'],

  setup(host) {
    const accounts = host.service('accounts')

    host.command({
      name: 'user add',
      about: 'adds an account',
      role: 'admin',
      args: { jid: t.jid(), password: t.secret(), role: t.oneOf('user', 'admin').default('user') },
      async run({ jid, password, role }, report) {
        await accounts.create(nodeOf(jid), password.reveal(), role)
        report(`${jid.bare} added`)
      },
    })

    host.command({
      name: 'user passwd',
      about: 'sets the password of an account',
      role: 'admin',
      args: { jid: t.jid(), password: t.secret() },
      async run({ jid, password }, report) {
        await accounts.setPassword(nodeOf(jid), password.reveal())
        report(`${jid.bare} has a new password`)
      },
    })

    host.command({
      name: 'user delete',
      about: 'removes an account and everything that was kept for it',
      role: 'admin',
      args: { jid: t.jid() },
      async run({ jid }, report) {
        await accounts.remove(nodeOf(jid))
        report(`${jid.bare} removed`)
      },
    })

    host.command({
      name: 'user list',
      about: 'lists the accounts',
      role: 'admin',
      args: {},
      async run(_, report) {
        const nodes: string[] = []
        for await (const node of accounts.list()) nodes.push(node)
        for (const node of nodes.toSorted()) {
          const account = await accounts.get(node)
          const marks = [account?.role === 'admin' && 'admin', account?.disabled === true && 'disabled'].filter(Boolean)
          report([`${node}@${host.domain}`, ...marks].join(' '))
        }
      },
    })

    host.command({
      name: 'user role',
      about: 'says what an account may',
      role: 'admin',
      args: { jid: t.jid(), role: t.oneOf('user', 'admin') },
      async run({ jid, role }, report) {
        await accounts.update(nodeOf(jid), { role })
        report(`${jid.bare} is ${role} now`)
      },
    })

    for (const [name, disabled] of [
      ['disable', true],
      ['enable', false],
    ] as const) {
      host.command({
        name: `user ${name}`,
        about: disabled ? 'lets nobody log in to an account' : 'lets its owner log in again',
        role: 'admin',
        args: { jid: t.jid() },
        async run({ jid }, report) {
          await accounts.update(nodeOf(jid), { disabled })
          report(`${jid.bare} ${name}d`)
        },
      })
    }

    function nodeOf({ node, domain }: Jid): string {
      if (node === undefined || domain !== host.domain) throw new CommandError(`no account of ${host.domain}`)
      return node
    }
  },
})
