/** Commands for the apps of accounts. */
import { CommandError } from '../../server/admin/command.ts'
import { t } from '../../server/config/types.ts'
import type { ModuleHost } from '../../server/host/host.ts'
import type { Jid } from '../../server/jid/jid.ts'
import { formatDateTime } from '../../server/protocol/date-time.ts'
import type { Endpoints } from './endpoints.ts'

/** So much of a hash names an app well enough. */
const SHOWN = 8

export function setupCommands(host: ModuleHost<'accounts'>, endpoints: Endpoints): void {
  host.command({
    name: 'push apps',
    about: 'lists the apps of an account that get messages (UnifiedPush), or the accounts that have any',
    role: 'admin',
    args: { jid: t.jid().optional() },
    async run({ jid }, report) {
      if (jid === undefined) {
        for await (const node of endpoints.owners()) report(`${node}@${host.domain}`)
        return
      }
      for (const { application, instance, resource, expiresAt } of (await endpoints.of(await nodeOf(jid))).values()) {
        const app = `${application.slice(0, SHOWN)} ${instance.slice(0, SHOWN)}`
        report(`${app} of ${resource} until ${formatDateTime(new Date(expiresAt))}`)
      }
    },
  })

  host.command({
    name: 'push revoke',
    about: 'takes their addresses from the apps of an account, or from one of them',
    role: 'admin',
    args: { jid: t.jid(), application: t.string().optional() },
    async run({ jid, application = '' }, report) {
      const node = await nodeOf(jid)
      const meant = [...(await endpoints.of(node))].filter(([, app]) => app.application.startsWith(application))
      for (const [key] of meant) await endpoints.remove({ node, key })
      report(`${meant.length} revoked`)
    },
  })

  async function nodeOf({ node, domain }: Jid): Promise<string> {
    if (node === undefined || domain !== host.domain || !(await host.service('accounts').exists(node))) {
      throw new CommandError(`no account of ${host.domain}`)
    }
    return node
  }
}
