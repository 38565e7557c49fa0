/** Commands for the nodes of a host. */
import { CommandError } from '../../server/admin/command.ts'
import { t } from '../../server/config/types.ts'
import type { ModuleHost } from '../../server/host/host.ts'
import { deleteNode } from './nodes.ts'
import type { Service } from './service.ts'

export function setupCommands(host: ModuleHost, service: Service): void {
  host.command({
    name: 'pubsub list',
    about: 'lists the nodes of the service',
    role: 'admin',
    args: {},
    run(_, report) {
      for (const { id, config, subscriptions } of service.nodes) {
        report([id, config.access_model, `${subscriptions.size} subscribed`, config.title].filter(Boolean).join('  '))
      }
    },
  })

  host.command({
    name: 'pubsub delete',
    about: 'deletes a node and tells its subscribers',
    role: 'admin',
    args: { node: t.string() },
    async run({ node: id }, report) {
      const node = service.find(id)
      if (node === undefined) throw new CommandError(`there is no node ${id}`)
      await deleteNode(service, node)
      report(`${id} deleted`)
    },
  })
}
