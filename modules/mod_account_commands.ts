/** Commands for the accounts of a host. */
import { t } from '../server/config/types.ts'
import type { Jid } from '../server/jid/jid.ts'
import { nodeAt } from '../server/admin/account-argument.ts'
import { administration } from '../server/admin/service-administration.ts'
import { defineModule } from '../server/host/module.ts'

export default defineModule({
  name: 'account_commands',
  about: 'lets admins manage accounts',
  xeps: { 133: '1.3.1' },
  on: ['local'],
  depends: ['accounts'],

  setup(host) {
    const accounts = host.service('accounts')

    host.command({
      name: 'user add',
      about: 'adds an account',
      role: 'admin',
      adhoc: administration('add-user', {
        fields: { jid: 'accountjid' },
        repeated: { 'password-verify': 'password' },
      }),
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
      adhoc: administration('change-user-password', { fields: { jid: 'accountjid' } }),
      args: { jid: t.jid(), password: t.secret() },
      async run({ jid, password }, report) {
        await accounts.setPassword(nodeOf(jid), password.reveal())
        report(`${jid.bare} has a new password`)
      },
    })

    host.command({
      name: 'user delete',
      about: 'removes accounts and everything that was kept for them',
      role: 'admin',
      adhoc: administration('delete-user', { fields: { jids: 'accountjids' } }),
      args: { jids: t.list(t.jid()) },
      async run({ jids }, report) {
        for (const node of jids.map(nodeOf)) {
          await accounts.remove(node)
          report(`${node}@${host.domain} removed`)
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

    for (const { name, disabled, node, about } of LOCKS) {
      host.command({
        name: `user ${name}`,
        about,
        role: 'admin',
        adhoc: administration(node, { fields: { jids: 'accountjids' } }),
        args: { jids: t.list(t.jid()) },
        async run({ jids }, report) {
          for (const each of jids.map(nodeOf)) {
            await accounts.update(each, { disabled })
            report(`${each}@${host.domain} ${name}d`)
          }
        },
      })
    }

    function nodeOf(jid: Jid): string {
      return nodeAt(host.domain, jid)
    }
  },
})

const LOCKS = [
  { name: 'disable', disabled: true, node: 'disable-user', about: 'lets nobody log in to accounts' },
  { name: 'enable', disabled: false, node: 'reenable-user', about: 'lets their owners log in again' },
]
