/** Commands for the push services of accounts. */
import { CommandError } from '../../server/admin/command.ts'
import { t } from '../../server/config/types.ts'
import type { ModuleHost } from '../../server/host/host.ts'
import type { Jid } from '../../server/jid/jid.ts'
import { formatDateTime } from '../../server/protocol/date-time.ts'
import type { AllOutlets } from './outlets.ts'

export function setupCommands(host: ModuleHost<'accounts'>, outlets: AllOutlets): void {
  host.command({
    name: 'push list',
    about: 'lists the push services of an account, or the accounts that have any',
    role: 'admin',
    args: { jid: t.jid().optional() },
    async run({ jid }, report) {
      if (jid === undefined) {
        for await (const node of outlets.owners()) report(`${node}@${host.domain}`)
        return
      }
      // Nodes are left out: to some services they are what a password is.
      for (const { registration } of await outlets.of(await nodeOf(jid))) {
        const { jid: service, resource, enabledAt } = registration
        report(`${service} for ${resource} since ${formatDateTime(new Date(enabledAt))}`)
      }
    },
  })

  host.command({
    name: 'push drop',
    about: 'forgets a push service of an account, or all of them',
    role: 'admin',
    args: { jid: t.jid(), service: t.string().optional() },
    async run({ jid, service }, report) {
      const meant = service === undefined ? undefined : host.parseJid(service).full
      const count = await outlets.disable(await nodeOf(jid), meant)
      report(`${count} forgotten`)
    },
  })

  async function nodeOf({ node, domain }: Jid): Promise<string> {
    if (node === undefined || domain !== host.domain || !(await host.service('accounts').exists(node))) {
      throw new CommandError(`no account of ${host.domain}`)
    }
    return node
  }
}
